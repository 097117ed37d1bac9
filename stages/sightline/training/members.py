"""Which networks a run trains, and on which images each of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightline.common.errors import SightlineError
from sightline.images.samples import Samples
from sightline.parameters.train import TrainParams


@dataclass(frozen=True)
class Plan:
    """A member before its training: `fold` is None without cross-validation, `prefix` goes before metrics' names."""

    number: int
    architecture: str
    fold: int | None
    prefix: str
    train: Samples
    val: Samples


def plan_members(samples: Samples, params: TrainParams, processes: int) -> Iterator[Plan]:
    """Yield every architecture on every fold.

    Raises
    ------
    SightlineError
        A member cannot be trained on its images with these parameters.
    """
    for _, train, val in divide(samples):
        refuse_unusable(train, val, params, processes)
    several = len(params.architectures) > 1
    pairs = ((architecture, *part) for architecture in params.architectures for part in divide(samples))
    for number, (architecture, fold, train, val) in enumerate(pairs):
        names = [architecture] * several + [f"fold_{fold}"] * (fold is not None)
        yield Plan(number, architecture, fold, "".join(f"{name}/" for name in names), train, val)


def divide(samples: Samples) -> Iterator[tuple[int | None, Samples, Samples]]:
    """Yield (fold, training images, validation images); fold is None without cross-validation."""
    folded = samples.fold >= 0
    if not folded.any():
        yield None, samples.of("train"), samples.of("val")
    for fold in np.unique(samples.fold[folded]).tolist():
        yield fold, samples[folded & (samples.fold != fold)], samples[samples.fold == fold]


def refuse_unusable(train: Samples, val: Samples, params: TrainParams, processes: int) -> None:
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
    if not len(val) and params.keep == "best":
        raise SightlineError("params.yaml: keep: best needs validation images: set split.val above 0, or keep: last")
    if not len(val) and (params.patience or params.schedule == "plateau"):
        raise SightlineError("params.yaml: patience, schedule: plateau need validation images: set split.val above 0")
    if 0 < len(val) < processes:
        raise SightlineError(f"launch: {processes} processes cannot share {len(val)} validation images")
