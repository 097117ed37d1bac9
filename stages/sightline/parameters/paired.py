"""What the commands that compare runs read of params.yaml."""

from pydantic import BaseModel, Field


class Intervals(BaseModel):  # not strict: evaluate has more keys
    """Those keys of the section `evaluate` that paired tests take."""

    bins: int = Field(ge=1)
    bootstrap: int = Field(ge=0)
    confidence: float = Field(gt=0, lt=1)
