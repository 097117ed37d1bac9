"""Image bytes to stored pixels: the one decoding function of training, parity checks and serving.

Needs Pillow and NumPy alone, so that a server can carry it without the rest.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from sightline.images.decoding.bad_image import BadImageError, damaged_image
from sightline.images.decoding.color import to_rgb
from sightline.images.decoding.depth import Extent, RangeUnknownError, extent_of
from sightline.images.decoding.preprocessing import FITS, Preprocessing, wanted_size
from sightline.images.decoding.room import Room
from sightline.images.decoding.sixteen_bit import kind_of, read_deep

Image.MAX_IMAGE_PIXELS = None  # decode's own limit quarantines a file instead of ending the stage
PngImagePlugin.MAX_TEXT_CHUNK = 64 << 20  # bytes: Pillow's 1 MB refuses scanners' profiles and generators' workflows

ROOM = Room(1 << 25)  # pixels of 4 bytes that all threads together hold decoded
DEEP = 5  # times as many bytes as a pixel of 8 bits takes, at most
DRAWN_BY_PROGRAMS = {"EPS", "IPTC"}  # Pillow hands the first, which the other may hold, to Ghostscript
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
    """Pixels uint8 [image_size, image_size, 3] RGB, and the upright image's size before it was fitted."""

    pixels: np.ndarray
    width: int
    height: int


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
    image = _open(data, max_pixels)
    width, height = image.size
    kind = kind_of(image)
    with _naming_damage():
        # JPEG alone: decode at 1/2, 1/4 or 1/8 where enough
        image.draft(None, wanted_size(width, height, preprocessing))
        with ROOM.take(image.width * image.height * (DEEP if kind else 1)):
            if kind:
                levels = read_deep(image, _open(data, max_pixels)).levels(preprocessing)
            else:
                image.load()
                levels = image
            orientation = _orientation(image)
            del image  # each step frees what it was made of
            levels = to_rgb(levels, preprocessing.background)
            if orientation in UPRIGHT:
                levels = levels.transpose(UPRIGHT[orientation])
            pixels = np.asarray(FITS[preprocessing.fit](levels, preprocessing))
            del levels  # before others take the room
    if orientation in SIDEWAYS:
        width, height = height, width
    return Decoded(pixels, width, height)


def measure(data: bytes, max_pixels: int) -> Extent | None:
    """Return between which values the pixels of an image of more than 8 bits lie; None for any other image.

    Raises
    ------
    BadImageError
        As `decode` does.
    """
    image = _open(data, max_pixels)
    if not kind_of(image):
        return None
    with _naming_damage(), ROOM.take(image.width * image.height * DEEP):
        return extent_of(read_deep(image, _open(data, max_pixels)))


@contextmanager
def _naming_damage() -> Iterator[None]:
    try:
        yield
    except (BadImageError, RangeUnknownError):
        raise
    except Exception as error:  # damaged files make Pillow raise whatever its plugins stumble over
        raise damaged_image(error) from None


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise BadImageError("empty file")
    try:
        image = Image.open(io.BytesIO(data))
    except Image.UnidentifiedImageError:
        raise BadImageError("not an image") from None
    except Exception as error:
        raise damaged_image(error) from None
    if image.format in DRAWN_BY_PROGRAMS:
        raise BadImageError(f"{image.format} files may start another program: convert it to PNG")
    if image.width * image.height > max_pixels:
        raise BadImageError(f"too large: {image.width} x {image.height} pixels (prepare.max_pixels)")
    return image


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a loaded image, 1 where it has none or one that cannot be read."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged header beside pixels that are whole: viewers show them
        return 1
