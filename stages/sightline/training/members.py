"""Which networks a run trains, and on which images each of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightline.common.errors import SightlineError
from sightline.images.samples import Samples, find_untrained, say_untrained
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


@dataclass(frozen=True)
class Division:
    """Images to train and to validate on; `fold` is None without cross-validation."""

    fold: int | None
    train: Samples
    val: Samples


def plan_members(samples: Samples, params: TrainParams, processes: int) -> Iterator[Plan]:
    """Yield every architecture on every fold.

    Raises
    ------
    SightlineError
        A member cannot be trained on its images with these parameters.
    """
    for division in divide(samples):
        refuse_unusable(division.train, division.val, params, processes)
    several = len(params.architectures) > 1
    pairs = ((architecture, division) for architecture in params.architectures for division in divide(samples))
    for number, (architecture, division) in enumerate(pairs):
        names = [architecture] * several + [f"fold_{division.fold}"] * (division.fold is not None)
        prefix = "".join(f"{name}/" for name in names)
        yield Plan(number, architecture, division.fold, prefix, division.train, division.val)


def divide(samples: Samples) -> Iterator[Division]:
    """Yield who trains and who validates, once, or once a fold."""
    folded = samples.fold >= 0
    if not folded.any():
        yield Division(None, samples.of("train"), samples.of("val"))
    for fold in np.unique(samples.fold[folded]).tolist():
        yield Division(fold, samples[folded & (samples.fold != fold)], samples[samples.fold == fold])


def untrained_notes(samples: Samples, classes: list[str]) -> list[str]:
    """Return a line about the classes without training images, or nothing where there are none such."""
    missing = find_untrained(samples.label, samples.subset, samples.fold, len(classes))
    return [f"train: {say_untrained([classes[label] for label in missing], len(classes))}"] if len(missing) else []


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
