"""Large arrays a few rows at a time, so that what is computed from them takes little memory besides."""

from collections.abc import Iterator

import numpy as np

NUMBERS = 1 << 20  # numbers a block: 8 MiB of float64


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices that together cover `rows` rows of `width` numbers each, about a million numbers a slice."""
    step = max(1, NUMBERS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def choose_sample(rows: np.ndarray, most: int) -> np.ndarray:
    """Return up to `most` of the rows int [n], evenly spaced, so that ordered classes all take part."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))]


def choose_rows(rows: np.ndarray, count: int) -> np.ndarray:
    """Return at most `count` of `rows`, evenly spread over them, so that an index sorted by class gives all classes."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]
