"""What a tracker is told of a finished run: read from Git and DVC's cache, the same for every tracker."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.reporting.revision import Revision
from sightline.tracking.histograms import Spread, read_spreads

STAGES = ("prepare", "split", "train", "evaluate", "gradcam", "export")
PICTURES = ("plots/prepare", "plots/train", "plots/evaluate", "plots/gradcam/maps")
SUBSETS = {"training": "train", "validation": "val"}  # words of plots/train/epochs.csv to those of metrics/train.json
MEASURES = {"balanced accuracy": "balanced_accuracy", "F1, mean of the classes": "f1_macro", "learning rate": "lr"}


@dataclass(frozen=True)
class MemberRecord:
    """What one trained member is followed by.

    Parameters
    ----------
    name : str
        Its fold or architecture; "" where it is the only one.
    epochs : dict of int to dict
        Epoch, counted from 0 -> name -> score.
    spreads : list of Spread
        Of its weights and gradients.
    """

    name: str
    epochs: dict[int, dict[str, float]]
    spreads: list[Spread]


@dataclass(frozen=True)
class Record:
    """A finished run.

    Parameters
    ----------
    name : str
        The run's name in trackers.
    revision : str
        Which revision of the repository it is.
    params : dict
        All of params.yaml, flat.
    results : dict
        The numbers of all stages' metrics: "evaluate/test.accuracy" -> value.
    members : list of MemberRecord
        In the order of their names.
    pictures : dict
        "evaluate/confusion" -> PNG.
    exported : Path or None
        A copy of models/exported; None where it is not here.
    """

    name: str
    revision: str
    params: dict[str, Any]
    results: dict[str, float]
    members: list[MemberRecord]
    pictures: dict[str, bytes]
    exported: Path | None


def read_run(revision: Revision, name: str, folder: Path) -> Record:
    """Read all that a revision has of its run; `folder`, an empty one, takes copies of its models.

    Raises
    ------
    SightlineError
        The revision has no training.
    """
    curves = revision.read_curves()
    if curves.empty:
        raise SightlineError(f"{revision.name}: has no plots/train/epochs.csv: `dvc repro` trains it")
    spreads = read_spreads(revision, folder / "run")
    return Record(
        name=name,
        revision=revision.name,
        params=revision.read_params(),
        results=read_results(revision),
        members=[
            MemberRecord(str(member), group_epochs(rows), spreads.get(str(member), []))
            for member, rows in curves.groupby("member", sort=True)
        ],
        pictures=read_pictures(revision),
        exported=folder / "exported" if revision.fetch("models/exported", folder / "exported") else None,
    )


def group_epochs(rows: pd.DataFrame) -> dict[int, dict[str, float]]:
    """Return epoch -> name -> score of the rows of a member: measure, subset, epoch, value."""
    epochs: dict[int, dict[str, float]] = {}
    for row in rows.itertuples():
        measure = MEASURES.get(row.measure, row.measure)
        name = measure if measure == "lr" else f"{SUBSETS[row.subset]}/{measure}"
        epochs.setdefault(int(row.epoch), {})[name] = float(row.value)
    return epochs


def read_results(revision: Revision) -> dict[str, float]:
    """Return the numbers of all stages' metrics."""
    results = {}
    for stage in STAGES:
        for name, value in revision.read_metrics(stage).items():
            if isinstance(value, int | float):  # yes and no too, as 1 and 0
                results[f"{stage}/{name}"] = float(value)
    return results


def read_pictures(revision: Revision) -> dict[str, bytes]:
    """Return the pictures of all stages by stage and name."""
    pictures = {}
    for folder in PICTURES:
        for name in revision.names(folder):
            content = revision.read(name) if name.endswith(".png") else None
            if content is not None:
                pictures[f"{Path(name).parts[1]}/{Path(name).stem}"] = content
    return pictures
