"""Image bytes to stored pixels: the one decoding function of training, parity checks and serving.

Needs Pillow and NumPy alone, so that a server can carry it without the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, PngImagePlugin

from sightline.images.decoding.bad_image import BadImageError, damaged_image
from sightline.images.decoding.color import to_rgb
from sightline.images.decoding.depth import Extent, RangeUnknownError, extent_of
from sightline.images.decoding.dicom import Scan, is_dicom
from sightline.images.decoding.picture import Picture
from sightline.images.decoding.preprocessing import FITS, Preprocessing, wanted_size
from sightline.images.decoding.profiles import to_srgb
from sightline.images.decoding.room import Room

Image.MAX_IMAGE_PIXELS = None  # decode's own limit quarantines a file instead of ending the stage
PngImagePlugin.MAX_TEXT_CHUNK = 64 << 20  # bytes: Pillow's 1 MB refuses scanners' profiles and generators' workflows

ROOM = Room(1 << 25)  # pixels of 4 bytes that all threads together hold decoded
UPRIGHT = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange width and height


@dataclass(frozen=True)
class Decoded:
    """Pixels uint8 [image_size, image_size, 3] RGB or [..., 1] grey, and the upright image's size before it was fitted.

    `filled` tells whether the file's end was missing, or the data of a JPEG damaged.
    """

    pixels: np.ndarray
    width: int
    height: int
    filled: bool


def decode(data: bytes, preprocessing: Preprocessing, max_pixels: int) -> Decoded:
    """Decode one image file's bytes: upright by its EXIF orientation, RGB, first frame, fitted to a square.

    Parameters
    ----------
    max_pixels : int
        Largest width x height that is decoded.

    Raises
    ------
    BadImageError
        The bytes are empty, not an image, truncated, too large, or hold pixels without a known range.
    RangeUnknownError
        `preprocessing` says that the ranges of deep pixels were not looked for, and these are deep.
    """
    file = _open(data, max_pixels, preprocessing.truncated == "fill")
    width, height = file.width, file.height
    with _naming_damage():
        file.shrink(*wanted_size(width, height, preprocessing))
        with ROOM.take(file.memory):
            image = file.deep().levels(preprocessing) if file.is_deep else file.picture()
            orientation, profile, filled = file.orientation, file.profile, file.filled
            del file  # each step frees what it was made of
            if preprocessing.color == "srgb":
                image = to_srgb(image, profile)
            image = to_rgb(image, preprocessing.background)
            if orientation in UPRIGHT:
                image = image.transpose(UPRIGHT[orientation])
            fitted = FITS[preprocessing.fit](image, preprocessing)
            pixels = np.asarray(fitted) if preprocessing.bands == 3 else np.asarray(fitted.convert("L"))[..., None]
            del image  # before others take the room
    if orientation in SIDEWAYS:
        width, height = height, width
    return Decoded(pixels, width, height, filled)


def measure(data: bytes, max_pixels: int) -> Extent | None:
    """Return between which values the pixels of an image lie that needs a range; None for any other image.

    Raises
    ------
    BadImageError
        As `decode` does.
    """
    file = _open(data, max_pixels, fill=False)
    if not file.is_deep:
        return None
    with _naming_damage(), ROOM.take(file.memory):
        return extent_of(file.deep())


def _open(data: bytes, max_pixels: int, fill: bool) -> Picture | Scan:
    return Scan(data, max_pixels) if is_dicom(data) else Picture(data, max_pixels, fill)


@contextmanager
def _naming_damage() -> Iterator[None]:
    """Turn whatever a decoder stumbles over into a BadImageError."""
    try:
        yield
    except (BadImageError, RangeUnknownError):
        raise
    except Exception as error:  # damaged files make Pillow raise whatever its plugins stumble over
        raise damaged_image(error) from None
