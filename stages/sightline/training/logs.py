"""Where an epoch's scores go, DVCLive and a table; and what the run comes to."""

import csv
import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from dvclive import Live

from sightline.common.files import CsvLines, replacing
from sightline.training.history import Fitted, Scores

CURVES = Path("plots/train/epochs.csv")
MEASURES = ("loss", "accuracy", "balanced_accuracy", "f1_macro", "lr")  # in the order of the panels
WORDS = {"balanced_accuracy": "balanced accuracy", "f1_macro": "F1, mean of the classes", "lr": "learning rate"}
SUBSETS = {"train": "training", "": "training", "val": "validation"}


class Journal:
    """The run's DVCLive, started when the first epoch is over, and all epochs' scores as the rows of one table.

    DVCLive streams each score to a file of its own (plots/train/metrics), which `dvc plots show` would draw one by one;
    in the table (plots/train/epochs.csv), training and validation, and the members, stand one over the other.
    """

    def __init__(self):
        self._rows: list[tuple[int, str, str, int, float]] = []

    @cached_property
    def live(self) -> "StageLive":
        return StageLive("train")

    def add(self, epoch: int, member: str, scores: Scores) -> None:
        """Note a member's scores of an epoch, and write the table anew."""
        for name, value in scores.items():
            subset, _, measure = name.rpartition("/")
            self._rows.append((MEASURES.index(measure), SUBSETS[subset], member, epoch, value))
        with replacing(CURVES) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(CsvLines(stream))
            writer.writerow(("measure", "subset", "member", "epoch", "value"))
            writer.writerows((WORDS.get(MEASURES[row[0]], MEASURES[row[0]]), *row[1:]) for row in sorted(self._rows))


def make_log(journal: Journal, accelerator: Accelerator, prefix: str) -> Callable[[int, Scores], None]:
    """Return a function that streams an epoch's scores under the member's prefix, from the main process."""
    member = prefix.rstrip("/")

    def log(epoch: int, scores: Scores) -> None:
        if not accelerator.is_main_process:
            return
        live = journal.live
        live.step = epoch
        for name, value in scores.items():
            live.log_metric(f"{prefix}{name}", value)
        live.make_summary()
        journal.add(epoch, member, scores)

    return log


def summarize_best(fits: list[Fitted]) -> dict[str, Any]:
    """Return the scores of the best epoch: those of the only member, or mean and standard deviation over members."""
    if len(fits) == 1:
        return {"epoch": fits[0].best_epoch, **nest(fits[0].best_scores)}
    shared = set.intersection(*(set(fitted.best_scores) for fitted in fits))  # a handcrafted member has no lr
    values = {name: [fitted.best_scores[name] for fitted in fits] for name in sorted(shared)}
    return {
        "mean": nest({name: float(np.mean(numbers)) for name, numbers in values.items()}),
        "std": nest({name: float(np.std(numbers, ddof=1)) for name, numbers in values.items()}),
    }


def nest(scores: Scores) -> dict[str, Any]:
    """Turn ``val/loss`` into a `val` with a `loss`, as DVCLive does."""
    nested: dict[str, Any] = {}
    for name, value in scores.items():
        subset, _, metric = name.rpartition("/")
        (nested.setdefault(subset, {}) if subset else nested)[metric] = value
    return nested


def describe_epoch(passes: int, epochs: int, scores: Scores) -> str:
    """Return the line that the terminal shows after so many of all epochs, 0 for the start."""
    width = int(math.log10(epochs)) + 1
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
    return f"epoch {passes:{width}}/{epochs}  {numbers}"


class StageLive(Live):
    """A DVCLive logger whose files are the outputs that dvc.yaml names for a stage.

    `dvc.yaml` is written by hand and `dvc repro` or `dvc exp run` records the experiment, so DVCLive does neither.
    """

    def __init__(self, stage: str):
        self._stage = stage
        Path(self.metrics_file).parent.mkdir(exist_ok=True)
        super().__init__(dir=f"plots/{stage}", dvcyaml=False, save_dvc_exp=False)

    @property
    def metrics_file(self) -> str:
        return f"metrics/{self._stage}.json"

    @property
    def plots_dir(self) -> str:
        return f"plots/{self._stage}"
