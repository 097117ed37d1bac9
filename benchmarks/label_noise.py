"""Measure what wrong labels cost, how many of them are found, and what is gained without them, on CIFAR-10.

Run    PYTHONPATH=stages python benchmarks/label_noise.py data/raw/cifar10.zip        the cells without a result
       PYTHONPATH=stages python benchmarks/label_noise.py data/raw/cifar10.zip --minutes 9 --only symmetric-0.4
Writes benchmarks/results/label_noise/<model>_<side>_<epochs>_<judge>/
       <noise>-<rate>-<method>-<seed>.json    one cell, when it is done
       <noise>-<rate>-none-<seed>.csv         the labels that plain training doubts
       label_noise.md                         the tables of docs/few_labels.md

10,000 training images, the first 1,000 of each class, a tenth of them for validation; of all these labels a share is
wrong: `symmetric` draws any other class, `pair` takes the next one. What judges keeps its labels. `remove` and
`relabel` train a second time, on what label_issues.csv of the first training says, unseen by anybody. Each stage runs
in a fork, so that imports are paid once.
"""

import argparse
import json
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from families_run import run_apart
from label_noise_data import flip, make_cell, prepare_clean, read_clean
from label_noise_report import write_tables
from workspace import REPOSITORY

RESULTS = REPOSITORY / "benchmarks/results/label_noise"
CPU_LIMIT = 1200  # s a stage
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
METHODS = ("none", "remove", "relabel")
GRID = product((0, 1, 2), (0.4, 0.2), ("symmetric", "pair"), METHODS)  # seed, rate, noise, method


def main() -> None:
    options = read_options()
    end = time.monotonic() + 60 * options.minutes
    results = RESULTS / f"{options.model}_{options.side}_{options.epochs}_{options.judge}"
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared")
        for seed, rate, noise, method in GRID:
            cell = f"{noise}-{rate:g}-{method}-{seed}"
            target = results / f"{cell}.json"
            if target.exists() or not cell.startswith(options.only) or time.monotonic() > end:
                continue
            if not prepared.exists():
                prepare_clean(options.archive, options.side, options.judge, prepared)
            truth = read_clean(prepared)
            given = truth["label"].to_numpy().copy()
            open_to_noise = (truth["subset"] != "test").to_numpy()
            given[open_to_noise] = flip(given[open_to_noise], given.max() + 1, noise, rate, seed)
            first = results / f"{noise}-{rate:g}-none-{seed}.csv"
            labels, kept = correct(method, given, first)
            changes = RECIPE | {"model": options.model, "epochs": options.epochs, "seed": seed}
            make_cell(prepared, Path(folder, cell), labels, kept, changes)
            result = run_cell(Path(folder, cell))
            if method == "none":
                issues = read_issues(Path(folder, cell))
                issues.to_csv(first, index=False, lineterminator="\n")
                result |= rate_issues(issues, truth["label"].to_numpy(), given, truth["subset"].to_numpy())
            target.write_text(json.dumps(result, indent=1) + "\n")
            print(cell, result, flush=True)
    write_tables(results)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/")
    parser.add_argument("--judge", choices=("test", "train"), default="test", help="train: its further images")
    parser.add_argument("--model", default="simple_cnn", help="default: %(default)s")
    parser.add_argument("--side", type=int, default=32, help="px; default: %(default)s")
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--only", default="", help="cells that begin so")
    parser.add_argument("--minutes", type=float, default=1e9, help="after which no further cell begins")
    return parser.parse_args()


def correct(method: str, given: np.ndarray, first: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return labels int [N] and what takes part, bool [N], after a method that trains a second time."""
    labels, kept = given.copy(), np.ones(len(given), dtype=bool)
    if method in ("remove", "relabel"):
        issues = pd.read_csv(first)
        kept[issues["row"]] = method == "relabel"
        labels[issues["row"]] = issues["suggested"] if method == "relabel" else given[issues["row"]]
    return labels, kept


def run_cell(folder: Path) -> dict:
    """Run train and evaluate; return accuracy on the clean test images, processor time, and the epoch that was kept."""
    found = {}
    for stage in ("train", "evaluate"):
        found[stage] = run_apart(stage, folder, CPU_LIMIT)
        if "error" in found[stage]:
            raise SystemExit(f"{folder.name}: {stage}: {found[stage]['error']}")
    seconds = {f"{stage}_seconds": found[stage]["seconds"] for stage in found}
    return {"accuracy": found["evaluate"]["metrics"]["test"]["accuracy"], **seconds}


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


if __name__ == "__main__":
    main()
