"""The schema of the section `augment`: what is drawn for each training image; params.yaml explains each key."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from sightline.common.params import AreaSpan, Count, NotNegative, Probability, Span, StrictModel

Policy = Literal["none", "randaugment", "trivialaugment", "autoaugment", "augmix"]


class AugmentSection(StrictModel):
    """The section `augment`."""

    random_resized_crop: bool
    crop_scale: AreaSpan
    crop_ratio: Span
    crop_padding: int = Field(ge=0)
    horizontal_flip: Probability
    alternating_flip: bool
    vertical_flip: Probability
    rotation: float = Field(ge=0, le=180)
    translation: Probability
    shear: float = Field(ge=0, lt=90)
    auto_augment: Policy
    randaugment_ops: Count
    randaugment_magnitude: int = Field(ge=0, le=30)
    autoaugment_policy: Literal["imagenet", "cifar10", "svhn"]
    augmix_severity: int = Field(ge=1, le=10)
    color_jitter: Annotated[list[NotNegative], Field(min_length=4, max_length=4)]
    grayscale: Probability
    gaussian_blur: Probability
    blur_sigma: Span
    erasing: Probability
    erasing_area: AreaSpan
    erasing_ratio: Span
    mix_prob: Probability
    mix_switch_prob: Probability

    @field_validator("color_jitter")
    @classmethod
    def hue_turns_by_half_at_most(cls, strengths: list[float]) -> list[float]:
        if strengths[3] > 0.5:
            raise ValueError("the fourth, hue, must be at most 0.5, half a turn")
        return strengths
