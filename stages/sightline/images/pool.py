"""What prepare leaves of the images without labels: pixels and their index, maybe none."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.common.files import read_columns, require_rows
from sightline.images.store import open_pixels, read_header

if TYPE_CHECKING:
    import pandas as pd

POOL = Path("data/pool")
COLUMNS = ("id", "sha256", "phash", "width", "height", "near_labelled", "group")
TYPES = {"sha256": "S64", "phash": "S16", "width": "int64", "height": "int64", "group": "category"}


def read_pool(folder: str | Path = POOL) -> "tuple[np.ndarray, pd.DataFrame]":
    """Read the pool; row i of the index describes image i.

    Returns
    -------
    ndarray of uint8 [N, H, W, 3] or [N, H, W, 1]
        Mapped into memory; N is 0 where there is no pool.
    pandas.DataFrame
        id (path below data/raw), near_labelled (id of a labelled near duplicate, or ``""``) and further columns are
        text, width and height int64, sha256 and phash bytes of hexadecimal digits.

    Raises
    ------
    SightlineError
        A file is missing or damaged, or they do not fit together.
    """
    path = Path(folder) / "index.csv"
    index = read_columns(path, {name: TYPES.get(name, str) for name in read_header(path, COLUMNS)})
    pixels = open_pixels(folder)
    require_rows(path.with_name("images.npy"), len(pixels), path, len(index))
    return pixels, index


def as_numbers(phash: "pd.Series") -> np.ndarray:
    """Return perceptual hashes as index.csv holds them, 16 hexadecimal digits as bytes, as uint64 [n]."""
    return np.array([int(digits, 16) for digits in phash], dtype=np.uint64)
