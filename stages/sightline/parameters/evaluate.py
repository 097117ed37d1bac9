"""The schema of evaluate; params.yaml explains each key."""

from typing import Annotated, Literal

from pydantic import Field

from sightline.common.params import Arithmetic, Count, NearBits, Probability, Seed, Share, StrictModel
from sightline.parameters.gates import GateParams

Views = Literal["none", "flip", "multi_crop"]
CalibrationMethod = Literal["none", "temperature", "vector", "isotonic"]
Corruption = Literal["noise", "blur", "jpeg", "brightness", "contrast"]
Attack = Literal["fgsm", "pgd"]


class EvaluateSection(StrictModel):
    """The section `evaluate`."""

    tta: Views
    calibration: CalibrationMethod
    min_confidence: Probability
    conformal: Literal["none", "lac", "aps"]
    conformal_coverage: Share
    top_k: list[Annotated[int, Field(ge=2)]]
    bins: Count
    bootstrap: int = Field(ge=0)
    confidence: Share
    curves: int = Field(ge=0, le=20)  # more lines cannot be told apart
    mistakes: int = Field(ge=1, le=600)  # the picture grows with them
    label_issues: int = Field(ge=1, le=600)
    label_images: int = Field(ge=0)
    slices: Count
    map: int = Field(ge=0, le=5000)  # the table lies in Git
    corruptions: list[Corruption]
    attacks: list[Attack]
    attack_epsilon: float = Field(gt=0, le=255)
    attack_steps: Count
    ood: str
    robustness_images: Count


class EvaluateParams(GateParams):
    """The keys that evaluate reads."""

    arithmetic: Arithmetic
    memory_mb: Count
    seed: Seed
    near_bits: NearBits
    evaluate: EvaluateSection
