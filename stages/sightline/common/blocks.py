"""Large arrays a few rows at a time, so that what is computed from them takes little memory besides."""

from collections.abc import Iterator

NUMBERS = 1 << 20  # numbers a block: 8 MiB of float64


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices that together cover `rows` rows of `width` numbers each, about a million numbers a slice."""
    step = max(1, NUMBERS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, start + step)
