"""Which images take part, as numbers: as a table of text a million of them would take half a gigabyte."""

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.common.errors import SightlineError
from sightline.common.files import require

if TYPE_CHECKING:
    import pandas as pd

SUBSETS = ("train", "val", "test")


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
        One of the files is missing, or the split names an image that does not follow in the index.
    """
    rows = array("i")
    labels = array("i")
    subsets = array("b")
    folds = array("b")
    index = enumerate(read_cells(Path(prepared) / "index.csv", "id", "label"))
    for name, subset, fold in read_cells(Path(split) / "split.csv", "id", "subset", "fold"):
        for row, (indexed_name, label) in index:
            if indexed_name == name:
                rows.append(row)
                labels.append(int(label))
                subsets.append(SUBSETS.index(subset))
                folds.append(int(fold))
                break
        else:
            raise SightlineError(
                f"{split}/split.csv: names images that {prepared}/index.csv lacks or has in another order "
                f"(got {name!r}): run `dvc repro split`"
            )
    return Samples(*map(np.array, (rows, labels, subsets, folds)))


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


def read_cells(path: Path, *columns: str) -> Iterator[tuple[str, ...]]:
    """Yield two or more columns of each row of a CSV, by their names."""
    require(path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        head = next(rows)
        yield from map(itemgetter(*map(head.index, columns)), rows)
