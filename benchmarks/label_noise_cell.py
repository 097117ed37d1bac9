"""One training with wrong labels: what it is measured on, how it is trained, and what it has found."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from families_run import run_apart
from label_noise_data import flip, make_cell, read_clean
from workspace import write_params

CPU_LIMIT = 3600  # s a stage
RECIPE = {
    "arithmetic": "native",
    "precision": "bf16",
    "optimizer": "nmuon",
    "lr": 5e-2,
    "weight_decay": 0.02,
    "batch_size": 128,
    "label_smoothing": 0.0,
    "augment.alternating_flip": True,
    "evaluate.bootstrap": 0,
    "evaluate.map": 0,
}
SECOND = ("remove", "relabel")  # methods that train a second time
METHODS = {  # method -> changes to params.yaml
    "none": {},
    **{name: {"noise": name} for name in ("elr", "reweight", "gce", "symmetric")},
    "mixup": {"mixup": 1.0},
    "smoothing": {"label_smoothing": 0.2},
    **{name: {} for name in SECOND},
}


class Cell(NamedTuple):
    """What is measured at once."""

    seed: int
    rate: float
    method: str
    noise: str

    def __str__(self) -> str:
        return f"{self.noise}-{self.rate:g}-{self.method}-{self.seed}"

    @property
    def first(self) -> "Cell":
        """The plain training with the same labels."""
        return self._replace(method="none")


@dataclass(frozen=True)
class Bench:
    """Working folder, results, changes to the recipe for all cells, and when no further cell begins."""

    work: Path
    results: Path
    changes: dict[str, Any]
    end: float

    @property
    def prepared(self) -> Path:
        return self.work / "prepared"


def measure(bench: Bench, cell: Cell) -> str:
    """Write the result of a cell; return a line of it, or of why there is none."""
    first = bench.results / f"{cell.first}.csv"
    while cell.method in SECOND and not first.exists() and time.monotonic() < bench.end:
        time.sleep(1)  # for the first training, which runs beside
    if time.monotonic() > bench.end:
        return f"{cell} not begun"
    truth = read_clean(bench.prepared)
    given = truth["label"].to_numpy().copy()
    open_to_noise = (truth["subset"] != "test").to_numpy()
    given[open_to_noise] = flip(given[open_to_noise], given.max() + 1, cell.noise, cell.rate, cell.seed)
    labels, kept = correct(cell.method, given, first)
    folder = bench.work / str(cell)
    make_cell(bench.prepared, folder, labels, kept, changes_of(bench, cell))
    try:
        result = run_cell(bench, cell, folder)
    except RuntimeError as error:
        return f"{cell} {error}"
    issues = read_issues(folder)
    if cell.method not in SECOND:
        result |= rate_issues(issues, truth["label"].to_numpy(), given, truth["subset"].to_numpy())
    if cell.method == "none":
        issues.to_csv(first, index=False, lineterminator="\n")
    (bench.results / f"{cell}.json").write_text(json.dumps(result, indent=1) + "\n")
    return f"{cell} {result}"


def changes_of(bench: Bench, cell: Cell) -> dict[str, Any]:
    """Return the changes to params.yaml of a cell."""
    return RECIPE | METHODS[cell.method] | {"seed": cell.seed} | bench.changes


def correct(method: str, given: np.ndarray, first: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return labels int [N] and what takes part, bool [N], after a method that trains a second time."""
    labels, kept = given.copy(), np.ones(len(given), dtype=bool)
    if method in SECOND:
        issues = pd.read_csv(first)
        kept[issues["row"]] = method == "relabel"
        labels[issues["row"]] = issues["suggested"] if method == "relabel" else given[issues["row"]]
    return labels, kept


def run_cell(bench: Bench, cell: Cell, folder: Path) -> dict[str, Any]:
    """Train, and evaluate the weights that `keep` does not name, then those that it does.

    Returns
    -------
    dict
        Accuracies on the clean test images, and what training took: processor time and wall time.
    """
    begin = time.monotonic()
    result = {"train_seconds": run_stage("train", folder)["seconds"]}
    result["train_wall_seconds"] = round(time.monotonic() - begin, 1)
    keep = bench.changes["keep"]
    other = {"best": "last", "last": "best"}[keep]
    result[f"accuracy_{other}"] = judge(folder, keep, other, changes_of(bench, cell) | {"evaluate.label_images": 0})
    result[f"accuracy_{keep}"] = judge(folder, other, keep, changes_of(bench, cell))
    return result | {"wall_seconds": round(time.monotonic() - begin, 1)}


def judge(folder: Path, old: str, new: str, changes: dict[str, Any]) -> float:
    """Return the accuracy on test of other weights of the member, as evaluate finds it."""
    write_params(folder, changes)
    spec = folder / "models/trained/model.json"
    spec.write_text(spec.read_text().replace(f"member_0_{old}", f"member_0_{new}"))
    return run_stage("evaluate", folder)["metrics"]["test"]["accuracy"]


def run_stage(stage: str, folder: Path) -> dict[str, Any]:
    """Run a stage; return what it cost and its metrics."""
    found = run_apart(stage, folder, CPU_LIMIT)
    if "error" in found:
        raise RuntimeError(f"{stage}: {found['error']}")
    return found


def read_issues(folder: Path) -> pd.DataFrame:
    """Return row, subset, label and suggested (int) of doubted labels of training and validation."""
    classes = json.loads((folder / "data/prepared/dataset.json").read_text())["classes"]
    issues = pd.read_csv(folder / "data/predictions/label_issues.csv")
    numbered = {
        name: issues[name].map({text: label for label, text in enumerate(classes)}) for name in ("label", "suggested")
    }
    issues = issues.assign(**numbered)[["row", "subset", "label", "suggested"]]
    return issues[issues["subset"] != "test"]


def rate_issues(issues: pd.DataFrame, truth: np.ndarray, given: np.ndarray, subset: np.ndarray) -> dict[str, float]:
    """Return precision and recall of the doubted training labels, and how often the suggestion is right."""
    wrong = (truth != given) & (subset == "train")
    training = issues[issues["subset"] == "train"]
    rows = training["row"].to_numpy()
    surest = rows[: max(1, len(rows) // 10)]
    return {
        "doubted": len(rows),
        "precision": float(wrong[rows].mean()),
        "precision_of_surest_tenth": float(wrong[surest].mean()),
        "recall": float(wrong[rows].sum() / wrong.sum()),
        "suggestion_right": float((training["suggested"].to_numpy() == truth[rows])[wrong[rows]].mean()),
    }
