"""The schema of split; params.yaml explains each key."""

from typing import Literal

from pydantic import Field, model_validator

from sightline.common.params import NearBits, Seed, StageParams, StrictModel


class SplitSection(StrictModel):
    """The section `split`."""

    method: Literal["stratified", "hash"]
    val: float = Field(ge=0, lt=1)
    test: float = Field(ge=0, lt=1)
    keep_duplicates_together: Literal["none", "exact", "near"]
    on_leak: Literal["fail", "drop", "report"]
    on_untrained: Literal["fail", "drop", "report"]

    @model_validator(mode="after")
    def shares_leave_training_images(self) -> "SplitSection":
        if self.val + self.test >= 1:
            raise ValueError(f"val + test must be less than 1 (got {self.val + self.test:g})")
        return self

    @model_validator(mode="after")
    def hash_moves_nothing(self) -> "SplitSection":
        if self.method == "hash" and self.keep_duplicates_together == "near":
            raise ValueError(
                "method hash cannot keep near duplicates together, since a new image could link two old ones on "
                "different sides: use keep_duplicates_together: exact, or method: stratified"
            )
        return self


class SplitParams(StageParams):
    """The keys that split reads."""

    seed: Seed
    near_bits: NearBits
    folds: int = Field(ge=0, le=100)
    split: SplitSection

    @model_validator(mode="after")
    def one_fold_is_none(self) -> "SplitParams":
        if self.folds == 1:
            raise ValueError("folds: must be 0 (no cross-validation) or at least 2 (got 1)")
        return self
