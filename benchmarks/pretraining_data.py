"""Working folders of the benchmark of pretraining: CIFAR-10 of which a share has labels, prepared and split."""

import csv
import subprocess
import sys
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from random import Random

from workspace import REPOSITORY, write_params

JUDGES = 500  # training images a class that tell the accuracy where test must not
SOURCE = {
    "prepare.source": "data/raw/table.csv",
    "prepare.image_size": 32,
    "split.val": 0.0,
    "split.on_leak": "report",
    "split.keep_duplicates_together": "none",
}


@dataclass(frozen=True)
class Cell:
    """What share of the training images has labels, in percent, whose draw it is, and which images judge."""

    percent: int
    seed: int
    judge: str


def cell_folder(work: Path, cell: Cell) -> Path:
    """Return where a cell's images are prepared and split."""
    return work / cell.judge / f"{cell.percent}-{cell.seed}"


def prepare_cell(archive: Path, folder: Path, cell: Cell) -> None:
    """Prepare and split the images of a cell in a folder, anew where it is not complete."""
    if (folder / "data/split/split.csv").exists():
        return
    raw = folder / "data/raw"
    raw.mkdir(parents=True, exist_ok=True)
    if not (raw / "cifar10.zip").exists():
        (raw / "cifar10.zip").symlink_to(archive.resolve())
    with (raw / "table.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label", "subset"))
        writer.writerows(list_rows(archive, cell))
    write_params(folder, SOURCE | {"seed": cell.seed})
    for stage in ("prepare", "split"):  # apart: a training goes on only where the same modules are loaded
        subprocess.run([sys.executable, REPOSITORY / f"stages/{stage}.py"], cwd=folder, check=True)


def branch_cell(prepared: Path, folder: Path) -> Path:
    """Return a working folder of its own on the images of a cell: stages write beside them."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for part in ("raw", "prepared", "pool", "split"):
        link = folder / "data" / part
        if not link.is_symlink():
            link.symlink_to(prepared / "data" / part)
    return folder


def list_rows(archive: Path, cell: Cell) -> list[tuple[str, str, str]]:
    """Return path, label and subset of the images; of those that may be learnt from the cell's share has a label."""
    names = defaultdict(list)
    for name in sorted(zipfile.ZipFile(archive).namelist()):
        subset, label, file = [*name.split("/"), "", ""][:3]
        if file:
            names[subset, label].append(f"cifar10.zip/{name}")
    rows = []
    for label in sorted({label for _, label in names}):
        train, test = names["train", label], names["test", label]
        labels = len(train) * cell.percent // 100
        if cell.judge == "train":
            train, test = train[:-JUDGES], train[-JUDGES:]
        labelled = set(Random(f"{cell.seed}/{label}").sample(train, labels))
        rows += [(name, label if name in labelled else "", "train") for name in train]
        rows += [(name, label, "test") for name in test]
    return rows
