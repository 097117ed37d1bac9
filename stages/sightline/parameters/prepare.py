"""The schema of prepare; params.yaml explains each key."""

from typing import Literal

from pydantic import Field

from sightline.common.params import Name, NearBits, Probability, StageParams, StrictModel

Fit = Literal["crop", "pad", "stretch"]
Resample = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


class PrepareSection(StrictModel):
    """The section `prepare`."""

    source: Name
    image_size: int = Field(ge=8, le=4096)
    fit: Fit
    resample: Resample
    background: list[int] = Field(min_length=3, max_length=3)
    max_pixels: int = Field(gt=0)
    max_bad_fraction: Probability
    contact_sheet: int = Field(ge=1, le=100)


class PrepareParams(StageParams):
    """The keys that prepare reads."""

    near_bits: NearBits
    prepare: PrepareSection
