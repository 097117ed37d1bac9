"""What prepare leaves for the stages after it: pixels and their index."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BeforeValidator, Field

from sightline.common.files import read_json, read_table, require
from sightline.common.params import StrictModel, validate
from sightline.images.decode import Preprocessing

if TYPE_CHECKING:
    import pandas as pd

INDEX_COLUMNS = ("id", "label", "class", "group", "subset", "width", "height", "sha256", "phash")
INDEX_NUMBERS = ("label", "width", "height")
BOX_COLUMNS = ("box_x", "box_y", "box_width", "box_height")  # pixels of the upright original, origin top left


def read_preprocessing(value: object) -> object:
    """Turn the content of a JSON file into a Preprocessing; pydantic says what is wrong with anything else."""
    try:
        return Preprocessing(**value) if isinstance(value, dict) else value
    except TypeError as error:
        raise ValueError(f"not a preprocessing: {error}") from None


StoredPreprocessing = Annotated[Preprocessing, BeforeValidator(read_preprocessing)]


class DatasetSpec(StrictModel):
    """The content of `data/prepared/dataset.json`."""

    source: str
    classes: list[str]
    images: int = Field(ge=1)
    preprocessing: StoredPreprocessing


def read_dataset(prepared: str | Path = "data/prepared") -> DatasetSpec:
    """Read dataset.json: classes in order, stored size, and how the pixels were made."""
    path = Path(prepared) / "dataset.json"
    return validate(DatasetSpec, read_json(path), str(path))


def open_pixels(prepared: str | Path = "data/prepared") -> np.ndarray:
    """Map images.npy, uint8 [N, H, W, 3] RGB, into memory: pages come when they are read; writes stay private."""
    path = Path(prepared) / "images.npy"
    require(path)
    return np.load(path, mmap_mode="c")


def read_index(path: str | Path = "data/prepared/index.csv", columns: tuple[str, ...] | None = None) -> "pd.DataFrame":
    """Read index.csv; row i describes image i of images.npy.

    Parameters
    ----------
    columns : tuple of str, optional
        Read those of them that the file has, and nothing else; None reads all.

    Returns
    -------
    pandas.DataFrame
        label, width and height are int64, everything else is text, further columns of the source included.
    """
    names = tuple(name for name in _header(path) if columns is None or name in columns)
    return read_table(path, tuple(name for name in names if name not in INDEX_NUMBERS), names)


def _header(path: str | Path) -> list[str]:
    require(path)
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream), [])
