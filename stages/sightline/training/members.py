"""Which networks a run trains, and on which images each of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.training.settings import TrainParams


@dataclass(frozen=True)
class Plan:
    """A member before its training: `fold` is None without cross-validation, `prefix` goes before metrics' names."""

    number: int
    architecture: str
    fold: int | None
    prefix: str
    train: pd.DataFrame
    val: pd.DataFrame


def plan_members(samples: pd.DataFrame, params: TrainParams, processes: int) -> Iterator[Plan]:
    """Yield every architecture on every fold.

    Raises
    ------
    SightlineError
        A member cannot be trained on its images with these parameters.
    """
    parts = list(divide(samples))
    for _, train, val in parts:
        refuse_unusable(train, val, params, processes)
    several = len(params.architectures) > 1
    pairs = [(architecture, *part) for architecture in params.architectures for part in parts]
    for number, (architecture, fold, train, val) in enumerate(pairs):
        names = [architecture] * several + [f"fold_{fold}"] * (fold is not None)
        yield Plan(number, architecture, fold, "".join(f"{name}/" for name in names), train, val)


def divide(samples: pd.DataFrame) -> Iterator[tuple[int | None, pd.DataFrame, pd.DataFrame]]:
    """Yield (fold, training images, validation images); fold is None without cross-validation."""
    folded = samples[samples["fold"] >= 0]
    if folded.empty:
        yield None, samples[samples["subset"] == "train"], samples[samples["subset"] == "val"]
    for fold in sorted(folded["fold"].unique().tolist()):
        yield fold, folded[folded["fold"] != fold], folded[folded["fold"] == fold]


def refuse_unusable(train: pd.DataFrame, val: pd.DataFrame, params: TrainParams, processes: int) -> None:
    """Raise SightlineError when a member cannot be trained on these images with these parameters."""
    pieces = params.accumulate * processes
    if params.batch_size % pieces:
        raise SightlineError(
            f"params.yaml: batch_size: {params.batch_size} cannot be divided by {params.accumulate} accumulated steps "
            f"on {processes} processes"
        )
    if len(train) < params.batch_size and len(train) % pieces:
        raise SightlineError(
            f"params.yaml: accumulate: the {len(train)} images of train make no {params.accumulate} equal steps on "
            f"{processes} processes"
        )
    if val.empty and params.keep == "best":
        raise SightlineError("params.yaml: keep: best needs validation images: set split.val above 0, or keep: last")
    if val.empty and (params.patience or params.schedule == "plateau"):
        raise SightlineError("params.yaml: patience, schedule: plateau need validation images: set split.val above 0")
    if not val.empty and len(val) < processes:
        raise SightlineError(f"launch: {processes} processes cannot share {len(val)} validation images")
