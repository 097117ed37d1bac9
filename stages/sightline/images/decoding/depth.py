"""Pixels of more than 8 bits: what kind they are, and their way to 0..255 by a stated range."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.preprocessing import Preprocessing, Range

TYPE_RANGES: dict[str, Range] = {  # what a kind of pixels can hold; of floats, what most programs mean
    "uint16": (0, 65535),
    "int16": (-32768, 32767),
    "uint32": (0, (1 << 32) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "float32": (0.0, 1.0),
}
DICOM = "dicom"  # with a window of its own, which a range of this name overrides
DICOM_UNWINDOWED = "dicom_unwindowed"
KINDS = (*TYPE_RANGES, DICOM, DICOM_UNWINDOWED)
STRIP = 1 << 16  # values scaled at once, in 8 bytes each
PERCENTILES = (0.5, 99.5)


class RangeUnknownError(Exception):
    """An image of more than 8 bits before its data set's ranges were looked for; the message is its kind."""


@dataclass(frozen=True)
class Deep:
    """Pixels of more than 8 bits.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    values : ndarray
        Numbers [H, W], or [H, W, 3] RGB.
    alpha : ndarray or None
        uint8 [H, W], 0 where the image is transparent.
    white_is_least : bool
        Whether the least value is white.
    window : (float, float) or None
        The file's own range, where the data set has none for its kind.
    shown : ndarray or None
        What the window is of, where the file brings a table from values to what is shown.
    """

    kind: str
    values: np.ndarray
    alpha: np.ndarray | None = None
    white_is_least: bool = False
    window: Range | None = None
    shown: np.ndarray | None = None

    def levels(self, preprocessing: Preprocessing) -> Image.Image:
        """Return the image in 8 bits, in mode L or RGB, with a band more where it is transparent.

        Raises
        ------
        BadImageError
            No range is known for this kind of pixels, or none of them is a finite number.
        RangeUnknownError
            The ranges of this data set were not looked for yet.
        """
        stated = preprocessing.ranges or {}
        if self.kind in stated or self.window is None:
            values, bounds = self.values, self._range(preprocessing)
        else:
            values, bounds = self.values if self.shown is None else self.shown, self.window
        if values.dtype.kind == "f" and not np.isfinite(values).any():
            raise BadImageError("damaged: no pixel is a finite number")
        levels = scale(values, bounds)
        image = Image.fromarray(255 - levels if self.white_is_least else levels)
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image

    def _range(self, preprocessing: Preprocessing) -> Range:
        if preprocessing.ranges is None:
            raise RangeUnknownError(self.kind)
        if self.kind not in preprocessing.ranges:
            raise BadImageError(
                f"no known range: {self.kind} pixels, of which the data set had none when its ranges were found: "
                f"convert it to 8 bits, or state prepare.range"
            )
        return preprocessing.ranges[self.kind]


class Extent(NamedTuple):
    """Between which finite values an image's pixels lie: all of them, and all but 0.5 % at either end."""

    kind: str
    least: float
    greatest: float
    low: float
    high: float


def extent_of(deep: Deep) -> Extent | None:
    """Measure the visible pixels of an image; None where none is a finite number, or the file tells its window."""
    if deep.window is not None:
        return None
    values = deep.values if deep.alpha is None else deep.values[deep.alpha > 0]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = np.percentile(values, PERCENTILES, method="inverted_cdf")  # values that occur, free of rounding
    return Extent(deep.kind, values.min().item(), values.max().item(), low.item(), high.item())


def scale(values: np.ndarray, bounds: Range) -> np.ndarray:
    """Map the range linearly to 0..255, rounded to the nearest; what lies outside is clipped, NaN becomes 0.

    Parameters
    ----------
    values : ndarray
        Numbers [H, W, ...].
    bounds : (float, float)
        The values that become 0 and 255.

    Returns
    -------
    ndarray of uint8, as `values`
    """
    low, high = bounds
    levels = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, STRIP // max(1, values[0].size))
    for top in range(0, len(values), rows):
        part = values[top : top + rows].astype(np.float64)
        part -= low
        part *= 255 / (high - low)
        np.rint(part, out=part)
        if values.dtype.kind == "f":
            part[np.isnan(part)] = 0
        levels[top : top + rows] = np.clip(part, 0, 255, out=part)
    return levels
