"""Which images take part, as numbers: as a table of text a million of them would take half a gigabyte."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.common.errors import SightlineError, name_some
from sightline.common.files import naming_damage, read_array, read_parts, require_rows

if TYPE_CHECKING:
    import pandas as pd

SUBSETS = ("train", "val", "test")
AT_ONCE = 1 << 15  # rows of text
INDEX_TYPES = {"id": object, "label": "int32"}  # of the kinds of text the one that takes least time
SPLIT_TYPES = {"id": object, "subset": "category", "fold": "int8"}
TYPES = (np.int32, np.int32, np.int8, np.int8)  # of the columns of Samples


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


def read_samples(
    prepared: str | Path = "data/prepared", split: str | Path = "data/split", index: "pd.DataFrame | None" = None
) -> Samples:
    """Read index.csv and split.csv side by side; the split names images in the index's order, maybe not all.

    Parameters
    ----------
    index : pandas.DataFrame, optional
        index.csv, where it is read already.

    Raises
    ------
    SightlineError
        One of the files is missing or damaged, the split names an image that does not follow in the index, or
        images.npy, where it is there, has another number of images.
    """
    path = Path(prepared) / "index.csv"
    places = Path(split) / "split.csv"
    walk = IndexWalk(read_parts(path, INDEX_TYPES, AT_ONCE) if index is None else [index])
    parts = []
    for part in read_parts(places, SPLIT_TYPES, AT_ONCE):
        rows, labels, unknown = walk.find(part["id"].tolist())
        if unknown is not None:
            raise SightlineError(
                f"{places}: names images that {path} lacks or has in another order (got {unknown!r}): "
                f"run `dvc repro split`"
            )
        with naming_damage(places, ValueError):
            parts.append((rows, labels, to_subsets(part["subset"]), part["fold"].to_numpy()))
    require_images(Path(prepared), walk.count())
    columns = zip(*parts, strict=True) if parts else [()] * len(TYPES)
    return Samples(*(np.concatenate([[], *column]).astype(kind) for column, kind in zip(columns, TYPES, strict=True)))


class IndexWalk:
    """Finds the split's ids in index.csv, part by part, since both have one order: each lies behind the one before."""

    def __init__(self, parts: "Iterable[pd.DataFrame]"):
        self._parts = iter(parts)
        self._first = 0  # the part's first row
        self._ids: list[str] = []
        self._labels = np.empty(0, dtype=np.int32)
        self._next = 0  # the place in the part that comes next

    def find(self, ids: list[str]) -> tuple[np.ndarray, np.ndarray, str | None]:
        """Return row and label of each id, int32 [n], and the first one that does not follow, if any."""
        rows, labels = [], []
        while ids:
            places = self._next + find_ahead(self._ids[self._next :], ids)
            rows.append(self._first + places)
            labels.append(self._labels[places])
            ids = ids[len(places) :]
            if not ids:
                self._next = int(places[-1]) + 1
            elif not self._advance():
                return np.concatenate(rows), np.concatenate(labels), ids[0]
        return np.concatenate(rows), np.concatenate(labels), None

    def count(self) -> int:
        """Return how many rows the index has."""
        while self._advance():
            pass
        return self._first

    def _advance(self) -> bool:
        self._first += len(self._ids)
        part = next(self._parts, None)
        self._next = 0
        self._ids = [] if part is None else part["id"].tolist()
        self._labels = self._labels[:0] if part is None else part["label"].to_numpy(dtype=np.int32)
        return part is not None


def find_ahead(ids: list[str], wanted: list[str]) -> np.ndarray:
    """Return the rising places in `ids`, int64 [n], of those at the head of `wanted` that follow one another there."""
    together = min(len(ids), len(wanted))
    if ids[:together] == wanted[:together]:
        return np.arange(together)
    ahead = enumerate(ids)
    found = (next((place for place, other in ahead if other == name), None) for name in wanted)
    return np.array(list(itertools.takewhile(lambda place: place is not None, found)), dtype=np.int64)


def to_subsets(names: "pd.Series") -> np.ndarray:
    """Return positions in `SUBSETS`, int8 [n], for a column of categories; ValueError for an unknown one."""
    numbers = np.array([SUBSETS.index(name) for name in names.cat.categories], dtype=np.int8)
    return numbers[names.cat.codes]


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
