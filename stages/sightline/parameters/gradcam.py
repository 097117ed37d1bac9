"""The schema of gradcam; params.yaml explains each key."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from sightline.common.params import Arithmetic, Count, Probability, Seed, StageParams, StrictModel

Method = Literal[
    "gradcam",
    "gradcam++",
    "layercam",
    "scorecam",
    "attention",
    "attention_rollout",
    "saliency",
    "smoothgrad",
    "integrated_gradients",
    "occlusion",
    "lime",
    "kernel_shap",
]


class GradcamSection(StrictModel):
    """The section `gradcam`."""

    method: list[Method] = Field(min_length=1)
    select: list[Literal["correct", "wrong", "least_confident"]]
    images: int = Field(ge=1, le=60)  # the pictures grow with them
    ids: list[str] = Field(max_length=60)
    class_images: int = Field(ge=0)
    feature_maps: list[str]
    alpha: Probability
    cells: int = Field(ge=2, le=64)
    samples: Count
    steps: Count
    noise: float = Field(gt=0, le=1)
    quality_images: int = Field(ge=0)
    quality_steps: Count

    @field_validator("samples")
    @classmethod
    def enough_samples(cls, samples: int, others: ValidationInfo) -> int:
        squares = others.data.get("cells", 0) ** 2
        if {"lime", "kernel_shap"} & set(others.data.get("method", [])) and samples <= squares:
            raise ValueError(f"must be more than cells x cells, which is {squares}")
        return samples


class GradcamParams(StageParams):
    """The keys that gradcam reads."""

    arithmetic: Arithmetic
    memory_mb: Count
    seed: Seed
    gradcam: GradcamSection
