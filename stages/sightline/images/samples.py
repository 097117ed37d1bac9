"""Which images take part, as numbers: as a table of text a million of them would take half a gigabyte."""

import csv
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.common.errors import SightlineError, name_some
from sightline.common.files import naming_damage, read_array, require_rows, require_whole

if TYPE_CHECKING:
    import pandas as pd

SUBSETS = ("train", "val", "test")
LARGEST_LABEL = 2**31 - 1
LARGEST_FOLD = 127


@dataclass(frozen=True)
class Samples:
    """Images in the order of images.npy, ten bytes each.

    Parameters
    ----------
    row : ndarray of int32 [n]
        Position in images.npy.
    label : ndarray of int32 [n]
    subset : ndarray of int8 [n]
        Position in `SUBSETS`.
    fold : ndarray of int8 [n]
        -1 where there is none.
    """

    row: np.ndarray
    label: np.ndarray
    subset: np.ndarray
    fold: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, mask: np.ndarray) -> "Samples":
        """Return those where the mask, bool [n], is true."""
        return Samples(*(getattr(self, field.name)[mask] for field in fields(self)))

    def of(self, subset: str) -> "Samples":
        """Return those of a subset."""
        return self[self.subset == SUBSETS.index(subset)]


def read_samples(prepared: str | Path = "data/prepared", split: str | Path = "data/split") -> Samples:
    """Read index.csv and split.csv side by side; the split names images in the index's order, maybe not all.

    Raises
    ------
    SightlineError
        One of the files is missing or damaged, the split names an image that does not follow in the index, or
        images.npy, where it is there, has another number of images.
    """
    rows = array("i")
    labels = array("i")
    subsets = array("b")
    folds = array("b")
    index = enumerate(read_cells(Path(prepared) / "index.csv", ("id", "label"), to_image))
    for name, subset, fold in read_cells(Path(split) / "split.csv", ("id", "subset", "fold"), to_place):
        for row, (indexed_name, label) in index:
            if indexed_name == name:
                rows.append(row)
                labels.append(label)
                subsets.append(subset)
                folds.append(fold)
                break
        else:
            raise SightlineError(
                f"{split}/split.csv: names images that {prepared}/index.csv lacks or has in another order "
                f"(got {name!r}): run `dvc repro split`"
            )
    last = rows[-1] if rows else -1
    require_images(Path(prepared), last + 1 + sum(1 for _ in index))
    return Samples(*map(np.array, (rows, labels, subsets, folds)))


def to_image(cells: tuple[str, str]) -> tuple[str, int]:
    """Return id and label."""
    return cells[0], whole_number(cells[1], 0, LARGEST_LABEL)


def to_place(cells: tuple[str, str, str]) -> tuple[str, int, int]:
    """Return id, position in `SUBSETS`, and fold."""
    return cells[0], SUBSETS.index(cells[1]), whole_number(cells[2], -1, LARGEST_FOLD)


def whole_number(text: str, least: int, most: int) -> int:
    """Return a number in a range; raises ValueError for anything else."""
    number = int(text)
    if not least <= number <= most:
        raise ValueError(f"{number} is not in {least} to {most}")
    return number


def require_images(prepared: Path, listed: int) -> None:
    """Raise SightlineError when images.npy, where it is there, has another number of images than index.csv lists."""
    path = prepared / "images.npy"
    if path.exists():
        require_rows(
            path, len(read_array(path, "r", "uint8", (None, None, None, None))), prepared / "index.csv", listed
        )


def find_untrained(label: np.ndarray, subset: np.ndarray, fold: np.ndarray, classes: int) -> np.ndarray:
    """Return the classes, sorted, of which there is no image to train on: with folds, in one of the trainings.

    Parameters
    ----------
    label, subset, fold : ndarray of int [n]
        As in `Samples`.
    classes : int
        How many there are.
    """
    folds = np.unique(fold[fold >= 0])
    trained = [(fold >= 0) & (fold != left_out) for left_out in folds] or [subset == SUBSETS.index("train")]
    missing = [np.bincount(label[images], minlength=classes) == 0 for images in trained]
    return np.flatnonzero(np.logical_or.reduce(missing))


def say_untrained(names: list[str], classes: int) -> str:
    """Return a line that names classes without training images, a few of them."""
    return f"{len(names)} of {classes} classes have no image to train on: {name_some(names)}"


def tabulate(samples: Samples, index: "pd.DataFrame") -> "pd.DataFrame":
    """Return the index's row of each sample, numbered from 0, with subset and fold of the split.

    Parameters
    ----------
    index : pandas.DataFrame
        As `sightline.images.store.read_index` gives it; its subset, the source's own, gives way to the split's.

    Returns
    -------
    pandas.DataFrame
        The index's columns, row (position in images.npy), subset (train, val or test), fold (-1 where there is none).
    """
    columns = {"row": samples.row, "subset": np.array(SUBSETS)[samples.subset], "fold": samples.fold}
    return index.iloc[samples.row].reset_index(drop=True).assign(**columns)


def read_cells(path: Path, columns: tuple[str, ...], convert: Callable[[tuple[str, ...]], Any]) -> Iterator[Any]:
    """Yield what `convert` makes of two or more columns of each row of a CSV, by their names."""
    require_whole(path)
    with path.open(encoding="utf-8", newline="") as stream, naming_damage(path, ValueError, IndexError, csv.Error):
        rows = csv.reader(stream)
        head = next(rows)
        yield from map(convert, map(itemgetter(*map(head.index, columns)), rows))
