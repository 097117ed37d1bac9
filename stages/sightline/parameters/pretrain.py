"""The schema of the section `pretrain`, which `make pretrain` reads besides train's keys; params.yaml explains it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sightline.common.params import (
    AreaSpan,
    Count,
    Name,
    NearBits,
    NotNegative,
    Positive,
    Probability,
    Share,
    StrictModel,
)
from sightline.parameters.sections import Warmup
from sightline.parameters.train import Schedule, TrainParams

Method = Literal["none", "simclr", "moco"]


def hue_turns_by_half(strengths: list[float]) -> list[float]:
    """Check for pydantic that a hue turns by half at most."""
    if strengths[3] > 0.5:
        raise ValueError("the fourth, hue, must be at most 0.5, half a turn")
    return strengths


def schedule_needs_no_score(schedule: str) -> str:
    """Check for pydantic that a schedule follows from the updates alone."""
    if schedule == "plateau":
        raise ValueError("plateau waits for a score of train's, of which there is none here: take another")
    return schedule


class PretrainSection(StrictModel):
    """The section `pretrain`."""

    method: Method
    epochs: Count
    batch_size: int = Field(ge=2)
    optimizer: Name
    lr: Positive
    weight_decay: NotNegative
    schedule: Annotated[Schedule, AfterValidator(schedule_needs_no_score)]
    warmup_epochs: Warmup
    temperature: Positive
    ema_decay: Share
    queue: Count
    hidden: Count
    dimensions: Count
    neighbours: Count
    crop_scale: AreaSpan
    color_jitter: Annotated[list[NotNegative], Field(min_length=4, max_length=4), AfterValidator(hue_turns_by_half)]
    jitter_prob: Probability
    grayscale: Probability
    gaussian_blur: Probability


class PretrainParams(TrainParams):
    """The keys that `make pretrain` reads."""

    near_bits: NearBits
    pretrain: PretrainSection
