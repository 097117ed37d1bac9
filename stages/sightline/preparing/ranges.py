"""`prepare.range`: which values of pixels of more than 8 bits become black and white, the same for a whole data set."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import measure
from sightline.images.decoding.depth import DICOM_UNWINDOWED, KINDS, TYPE_RANGES, Extent
from sightline.images.decoding.preprocessing import Range
from sightline.images.sources.containers import Container
from sightline.preparing.executing.ahead import Executor
from sightline.preparing.pack import map_files

FRACTIONS = ("float32", DICOM_UNWINDOWED)  # kinds whose values are no whole numbers
FILLED = 0.25  # share of a usual range that values must fill, so that 64 levels remain
USUAL = [(0, 1), (-1, 1), *((0, (1 << bits) - 1) for bits in range(2, 33))]


@dataclass
class Found:
    """How many images of a kind there are, and their extents put together."""

    images: int
    all: Extent


def given_ranges(rule: str | list[float]) -> dict[str, Range] | None:
    """Return what the parameter states by itself; None for ``auto`` and ``percentile``, which look at the images."""
    if rule == "type":
        return dict(TYPE_RANGES)
    return dict.fromkeys(KINDS, tuple(rule)) if isinstance(rule, list) else None


def find_ranges(
    rule: str, paths: list[str], container: Container, max_pixels: int, executor: Executor
) -> tuple[dict, list[str]]:
    """Look at all files and choose a range for each kind of pixels of more than 8 bits.

    Parameters
    ----------
    rule : {"auto", "percentile"}
        The usual range that fits, or all but 0.5 % of the pixels at either end of any image.

    Returns
    -------
    dict of str to (float, float), list of str
        A range for each kind, and a line for each that says what was found.
    """
    work = partial(_measure, max_pixels=max_pixels)
    extents = map_files(work, paths, container, max_pixels, executor)
    found = join_extents(extent for extent in extents if extent is not None)
    ranges = {kind: RULES[rule](kept.all) for kind, kept in sorted(found.items())}
    return ranges, [describe(found[kind], bounds) for kind, bounds in ranges.items()]


def _measure(data: bytes, max_pixels: int) -> Extent | None:
    try:
        return measure(data, max_pixels)
    except BadImageError:  # decoding says why
        return None


def join_extents(extents: Iterable[Extent]) -> dict[str, Found]:
    """Put the extents of each kind together."""
    found: dict[str, Found] = {}
    for one in extents:
        known = found.setdefault(one.kind, Found(0, one))
        known.images += 1
        known.all = Extent(
            one.kind,
            min(known.all.least, one.least),
            max(known.all.greatest, one.greatest),
            min(known.all.low, one.low),
            max(known.all.high, one.high),
        )
    return found


def usual_range(extent: Extent) -> Range:
    """Return the first usual range that holds all values and that they fill by a quarter, else their own.

    Usual are 0 to 1 and -1 to 1 for floats, and 0 to the greatest number of 1, 2, ... bits. Few images more or less
    rarely change it.
    """
    spread = extent.greatest - extent.least
    for low, high in USUAL[0 if extent.kind in FRACTIONS else 2 :]:
        if low <= extent.least and extent.greatest <= high and spread >= FILLED * (high - low):
            return (low, high)
    return _rising(extent.least, extent.greatest)


def percentile_range(extent: Extent) -> Range:
    """Return the range outside of which no image has more than 0.5 % of its pixels at either end."""
    return _rising(extent.low, extent.high)


def _rising(low: float, high: float) -> Range:
    return (low, high) if low < high else (low, low + 1)


def describe(found: Found, bounds: Range) -> str:
    """Return a line on what was found, with advice where few outliers leave few levels to all else."""
    extent = found.all
    line = (
        f"{found.images:,} images of {extent.kind} pixels from {extent.least:g} to {extent.greatest:g}: "
        f"{bounds[0]:g} becomes black, {bounds[1]:g} white (prepare.range)"
    )
    if extent.high - extent.low < FILLED * (bounds[1] - bounds[0]):
        line += f"; 99 % of each image lie between {extent.low:g} and {extent.high:g}: try prepare.range: percentile"
    return line


RULES: dict[str, Callable[[Extent], Range]] = {"auto": usual_range, "percentile": percentile_range}
