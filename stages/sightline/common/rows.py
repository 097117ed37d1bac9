"""Some rows of large arrays: a block at a time, so that little memory is taken besides, or a few of them, evenly."""

from collections.abc import Iterator

import numpy as np

NUMBERS = 1 << 20  # numbers a block: 8 MiB of float64


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices that together cover `rows` rows of `width` numbers each, about a million numbers a slice."""
    step = max(1, NUMBERS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def evenly(count: int, most: int) -> np.ndarray:
    """Return up to `most` positions of `count` in order, evenly spread, so that rows sorted by class give all classes.

    Returns
    -------
    ndarray of int [min(count, most)]
        Different ones, the first and the last among them where there are two or more.
    """
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)
