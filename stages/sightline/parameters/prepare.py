"""The schema of prepare; params.yaml explains each key."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sightline.common.params import Name, NearBits, Probability, StageParams, StrictModel

Fit = Literal["crop", "pad", "stretch"]
Resample = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


def labelling(text: str) -> str:
    """Check for pydantic a column's name, or ``regex:`` and a pattern with the group `label`.

    Raises
    ------
    ValueError
        The pattern is none, or has no such group.
    """
    if text.startswith("regex:"):
        try:
            groups = re.compile(text.removeprefix("regex:")).groupindex
        except re.error as error:
            raise ValueError(f"not a pattern: {error}") from None
        if "label" not in groups:
            raise ValueError("the pattern must hold (?P<label>...)")
    return text


def _rising(bounds: list[float]) -> list[float]:
    if not bounds[0] < bounds[1]:
        raise ValueError("must be two rising numbers")
    return bounds


Number = Annotated[float, Field(allow_inf_nan=False)]
Bounds = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_rising)]
Color = Literal["srgb", "ignore"]
Truncated = Literal["refuse", "fill"]
RangeRule = Literal["auto", "percentile", "type"]


class PrepareSection(StrictModel):
    """The section `prepare`."""

    source: Name
    unlabelled: str
    corrections: str
    path: Name
    label: Annotated[Name, AfterValidator(labelling)]
    group: Name
    subset: Name
    image_size: int = Field(ge=8, le=4096)
    fit: Fit
    resample: Resample
    color: Color
    truncated: Truncated
    range: RangeRule | Bounds
    channels: Literal[1, 3]
    background: list[int] = Field(min_length=3, max_length=3)
    max_pixels: int = Field(gt=0)
    max_bad_fraction: Probability
    contact_sheet: int = Field(ge=1, le=100)


class PrepareParams(StageParams):
    """The keys that prepare reads."""

    near_bits: NearBits
    prepare: PrepareSection
