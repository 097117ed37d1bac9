"""The kinds of values that several schemas share."""

from typing import Annotated

from pydantic import AfterValidator, Field

Seed = Annotated[int, Field(ge=0)]
NearBits = Annotated[int, Field(ge=0, le=8)]
Count = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1)]


def ascending(span: list[float]) -> list[float]:
    """Check a lowest and a highest value for pydantic.

    Raises
    ------
    ValueError
        They stand the wrong way round.
    """
    if span[0] > span[1]:
        raise ValueError(f"the first number ({span[0]}) must not be above the second ({span[1]})")
    return span


Span = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(ascending)]
Area = Annotated[float, Field(gt=0, le=1)]
AreaSpan = Annotated[list[Area], Field(min_length=2, max_length=2), AfterValidator(ascending)]
