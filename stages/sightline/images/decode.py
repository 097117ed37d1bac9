"""Image bytes to stored pixels: the one decoding function of training, parity checks and serving.

Needs Pillow, NumPy and `room.py` alone, so that a server can carry it without the rest.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

from sightline.images.room import Room

Image.MAX_IMAGE_PIXELS = None  # decode's own limit quarantines a file instead of ending the stage
PngImagePlugin.MAX_TEXT_CHUNK = 64 << 20  # bytes: Pillow's 1 MB refuses scanners' profiles and generators' workflows

SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
STRIP = 1 << 20  # pixels laid over the background at once
ROOM = Room(1 << 25)  # pixels of 4 bytes that all threads together hold decoded
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
DRAWN_BY_PROGRAMS = {"EPS", "IPTC"}  # Pillow hands the first, which the other may hold, to Ghostscript


class BadImageError(Exception):
    """A file that cannot become pixels; the message is the reason that quarantine.csv shows."""


@dataclass(frozen=True)
class Preprocessing:
    """How image bytes become a square of pixels: what a model must know to see images as it did in training.

    Parameters
    ----------
    image_size : int
        Side of the result in pixels.
    fit : {"crop", "pad", "stretch"}
        Fill the square and cut what hangs over, show all of the image between bars, or ignore the aspect ratio.
    resample : str
        Name of a Pillow filter: nearest, box, bilinear, hamming, bicubic or lanczos; all but nearest average over the
        source's pixels when they shrink an image.
    background : sequence of int
        RGB in 0..255, behind transparent pixels and in the bars of ``pad``; kept as a tuple.

    Raises
    ------
    ValueError
        There is no such fit.
    """

    image_size: int
    fit: str
    resample: str
    background: tuple[int, int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "background", tuple(self.background))
        if self.fit not in FITS:
            raise ValueError(f"fit must be one of {', '.join(FITS)} (got {self.fit!r})")


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
        The bytes are empty, not an image, truncated, too large, or hold pixels without a defined range.
    """
    if not data:
        raise BadImageError("empty file")
    image = _open(data, max_pixels)
    width, height = image.size
    try:
        # JPEG alone: decode at 1/2, 1/4 or 1/8 where enough
        image.draft(None, _wanted_size(width, height, preprocessing))
        with ROOM.take(image.width * image.height):
            image.load()
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            if orientation != 1:
                image = ImageOps.exif_transpose(image)
            image = _to_rgb(image, preprocessing.background)
            pixels = np.asarray(FITS[preprocessing.fit](image, preprocessing))
            del image  # before others take the room
    except BadImageError:
        raise
    except Exception as error:  # damaged files make Pillow raise whatever its plugins stumble over
        raise BadImageError(f"damaged: {_one_line(error)}") from None
    if orientation in SIDEWAYS:
        width, height = height, width
    return Decoded(pixels, width, height)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
    except Image.UnidentifiedImageError:
        raise BadImageError("not an image") from None
    except Exception as error:
        raise BadImageError(f"damaged: {_one_line(error)}") from None
    if image.format in DRAWN_BY_PROGRAMS:
        raise BadImageError(f"{image.format} files may start another program: convert it to PNG")
    if image.width * image.height > max_pixels:
        raise BadImageError(f"too large: {image.width} x {image.height} pixels (prepare.max_pixels)")
    return image


def _wanted_size(width: int, height: int, preprocessing: Preprocessing) -> tuple[int, int]:
    if preprocessing.fit != "pad":
        return preprocessing.image_size, preprocessing.image_size
    return _padded_size(width, height, preprocessing.image_size)


def _padded_size(width: int, height: int, size: int) -> tuple[int, int]:
    longest = max(width, height)
    return max(1, round(width * size / longest)), max(1, round(height * size / longest))


def _to_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in SIXTEEN_BIT:
        return _from_sixteen_bit(image)
    if image.mode == "F":
        raise BadImageError("32-bit float pixels have no defined range: convert them to 8 or 16 bits")
    if "transparency" in image.info or "A" in image.getbands() or "a" in image.getbands():
        return _lay_over(image, background)
    return image.convert("RGB")


def _lay_over(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Compose strip by strip: at once it would take four times the image's memory."""
    flat = Image.new("RGB", image.size)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        strip = image.crop(box).convert("RGBA")
        canvas = Image.new("RGBA", strip.size, (*background, 255))
        flat.paste(Image.alpha_composite(canvas, strip).convert("RGB"), box)
    return flat


def _from_sixteen_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise BadImageError("32-bit integer pixels have no defined range: convert them to 8 or 16 bits")
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")


def _filter(preprocessing: Preprocessing) -> Image.Resampling:
    return Image.Resampling[preprocessing.resample.upper()]


def _crop(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    if image.size == (preprocessing.image_size, preprocessing.image_size):
        return image
    return image.resize(
        (preprocessing.image_size,) * 2, _filter(preprocessing), box=(left, top, left + side, top + side)
    )


def _pad(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    size = preprocessing.image_size
    inner = image.resize(_padded_size(*image.size, size), _filter(preprocessing))
    canvas = Image.new("RGB", (size, size), preprocessing.background)
    canvas.paste(inner, ((size - inner.width) // 2, (size - inner.height) // 2))
    return canvas


def _stretch(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    return image.resize((preprocessing.image_size,) * 2, _filter(preprocessing))


def _one_line(error: Exception) -> str:
    message = " ".join(str(error).split())
    return message if message else type(error).__name__


FITS = {"crop": _crop, "pad": _pad, "stretch": _stretch}
