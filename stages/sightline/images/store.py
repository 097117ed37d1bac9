"""What prepare and evaluate leave for the stages after them: pixels and their index, predictions."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from sightline.common.files import (
    damaged,
    naming_damage,
    read_array,
    read_columns,
    read_record,
    read_table,
    require_rows,
    require_whole,
)
from sightline.common.params import StrictModel
from sightline.images.decoding.preprocessing import Preprocessing

if TYPE_CHECKING:
    import pandas as pd

INDEX_COLUMNS = ("id", "label", "class", "group", "subset", "width", "height", "sha256", "phash")
INDEX_TYPES = {  # of those that are no plain text; names that repeat, and hashes, make no Python object of each row
    "label": "int64",
    "class": "category",
    "group": "category",
    "subset": "category",
    "width": "int64",
    "height": "int64",
    "sha256": "S64",
    "phash": "S16",
}
PREDICTED_NUMBERS = {"row": "i", "label": "i", "predicted": "i", "confidence": "f"}  # column -> NumPy's kind
BOX_COLUMNS = ("box_x", "box_y", "box_width", "box_height")  # pixels of the upright original, origin top left


def read_preprocessing(value: object) -> object:
    """Turn the content of a JSON file into a Preprocessing; pydantic says what is wrong with anything else."""
    try:
        return Preprocessing(**value) if isinstance(value, dict) else value
    except TypeError as error:
        raise ValueError(f"not a preprocessing: {error}") from None


StoredPreprocessing = Annotated[Preprocessing, BeforeValidator(read_preprocessing)]


class DatasetSpec(StrictModel):
    """The content of `data/prepared/dataset.json`; `naming` is what differs from the plain names of columns."""

    source: str
    naming: dict[Literal["path", "label", "group", "subset"], str] | None = None
    classes: list[str]
    images: int = Field(ge=1)
    preprocessing: StoredPreprocessing


def read_dataset(prepared: str | Path = "data/prepared") -> DatasetSpec:
    """Read dataset.json: classes in order, stored size, and how the pixels were made."""
    return read_record(DatasetSpec, Path(prepared) / "dataset.json")


def open_pixels(prepared: str | Path = "data/prepared") -> np.ndarray:
    """Map images.npy, uint8 [N, H, W, 3] RGB or [N, H, W, 1] grey, into memory; writes stay private.

    Pages come when they are read.
    """
    path = Path(prepared) / "images.npy"
    pixels = read_array(path, "c", "uint8", (None, None, None, None))
    if pixels.shape[3] not in (1, 3):
        raise damaged(path, f"holds {pixels.dtype} {list(pixels.shape)}")
    return pixels


def read_index(path: str | Path = "data/prepared/index.csv", columns: tuple[str, ...] | None = None) -> "pd.DataFrame":
    """Read index.csv; row i describes image i of images.npy.

    Parameters
    ----------
    columns : tuple of str, optional
        Read those of them that the file has, and nothing else; None reads all.

    Returns
    -------
    pandas.DataFrame
        label, width and height are int64, class, group and subset categories of text, sha256 and phash bytes of
        hexadecimal digits; id and the source's further columns are text.

    Raises
    ------
    SightlineError
        The file is missing or damaged, or images.npy beside it has another number of images.
    """
    header = read_header(path, INDEX_COLUMNS)
    names = [name for name in header if columns is None or name in columns]
    index = read_columns(path, {name: INDEX_TYPES.get(name, str) for name in names})
    pixels = Path(path).with_name("images.npy")
    if pixels.exists():
        require_rows(pixels, len(open_pixels(pixels.parent)), path, len(index))
    return index


def read_header(path: str | Path, needed: tuple[str, ...]) -> list[str]:
    """Return the names of a table's columns; SightlineError where it is damaged or lacks one of those needed."""
    require_whole(path)
    with Path(path).open(encoding="utf-8", newline="") as stream, naming_damage(path, ValueError, csv.Error):
        header = next(csv.reader(stream), [])
    missing = [name for name in needed if name not in header]
    if missing:
        raise damaged(path, f"has no column {missing[0]}")
    return header


def read_predictions(folder: str | Path = "data/predictions") -> "tuple[pd.DataFrame, np.ndarray]":
    """Read one row an image, and its probabilities float32 [rows, classes], mapped into memory.

    Raises
    ------
    SightlineError
        A file is missing or damaged, or they do not fit together.
    """
    path = Path(folder) / "predictions.csv"
    predictions = read_table(path, text=("id", "subset"))
    for name, kind in PREDICTED_NUMBERS.items():
        found = predictions[name].dtype.kind if name in predictions.columns else "none"
        if len(predictions) and found != kind:
            raise damaged(path, f"{name} must be a column of numbers")
    probabilities = read_array(path.with_name("probabilities.npy"), "r", "float32", (None, None))
    require_rows(path.with_name("probabilities.npy"), len(probabilities), path, len(predictions))
    return predictions, probabilities
