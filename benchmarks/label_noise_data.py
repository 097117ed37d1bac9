"""Images with labels of which a share is wrong: the first ones of each class, prepared once, and a folder a cell."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workspace import QUIET, REPOSITORY, write_params

EACH = 1000  # images a class of train, and as many of test
VAL = 100  # of those for training


def prepare_clean(archive: Path, side: int, judge: str, folder: Path) -> None:
    """Run prepare and split on part of a zip of train/<class>/ and test/<class>/, with the labels that it has."""
    raw = folder / "data/raw"
    raw.mkdir(parents=True)
    (raw / archive.name).symlink_to(archive.resolve())
    with (raw / "part.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "label", "subset"))
        writer.writerows((f"{archive.name}/{name}", label, subset) for name, label, subset in choose(archive, judge))
    write_params(folder, QUIET | {"prepare.source": "data/raw/part.csv", "prepare.image_size": side})
    for stage in ("prepare", "split"):
        subprocess.run([sys.executable, REPOSITORY / f"stages/{stage}.py"], cwd=folder, check=True)


def choose(archive: Path, judge: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, class and subset of the first images of each class.

    With `judge` ``test`` the images that judge are those of test/, with ``train`` the next ones of train/, by which
    recipes may be chosen.
    """
    taken = Counter()
    for name in sorted(zipfile.ZipFile(archive).namelist()):
        folder, label, file = name.split("/")[-3:] if name.count("/") >= 2 else ("", "", "")
        if not file:
            continue
        taken[folder, label] += 1
        place = taken[folder, label]
        if folder == "train" and place <= EACH:
            yield name, label, "val" if place > EACH - VAL else "train"
        elif folder == judge and place - EACH * (judge == "train") <= EACH:
            yield name, label, "test"


def flip(labels: np.ndarray, classes: int, noise: str, rate: float, seed: int) -> np.ndarray:
    """Return labels int [n] of which a share of `rate`, drawn at random, is wrong.

    `symmetric` draws one of the other classes, `pair` takes the next one.
    """
    stream = np.random.default_rng(seed)
    chosen = stream.choice(len(labels), round(rate * len(labels)), replace=False)
    shift = stream.integers(1, classes, len(chosen)) if noise == "symmetric" else 1
    noisy = labels.copy()
    noisy[chosen] = (labels[chosen] + shift) % classes
    return noisy


def make_cell(prepared: Path, folder: Path, labels: np.ndarray, kept: np.ndarray, changes: dict[str, Any]) -> None:
    """Make a working folder on the prepared images with other labels int [N], on those that are kept, bool [N]."""
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "data/split").mkdir()
    for name in ("images.npy", "dataset.json"):
        os.link(prepared / "data/prepared" / name, folder / "data/prepared" / name)
    classes = json.loads((prepared / "data/prepared/dataset.json").read_text())["classes"]
    index = read_clean(prepared)
    index = index.assign(label=labels, **{"class": np.array(classes)[labels]})
    index.to_csv(folder / "data/prepared/index.csv", index=False, lineterminator="\n")
    split = pd.read_csv(prepared / "data/split/split.csv")
    split[kept].to_csv(folder / "data/split/split.csv", index=False, lineterminator="\n")
    write_params(folder, changes)


def read_clean(prepared: Path) -> pd.DataFrame:
    """Read index.csv with the labels of the archive."""
    index = pd.read_csv(prepared / "data/prepared/index.csv", dtype=str, keep_default_na=False)
    return index.assign(label=index["label"].astype(int))
