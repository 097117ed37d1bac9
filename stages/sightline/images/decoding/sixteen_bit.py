"""Values of more than 8 bits from what Pillow opens, which alone gives those of colour images cut to 8."""

import sys

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, SAMPLEFORMAT

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.depth import Deep

WHITE_IS_ZERO = 0
SEPARATE = 2  # planes one after the other
SIGNED = 2
NATIVE = "L" if sys.byteorder == "little" else "B"


def kind_of(image: Image.Image) -> str:
    """Return the kind of an opened image's pixels, a key of `depth.TYPE_RANGES`; ``""`` for those of 8 bits."""
    if image.mode.startswith("I;16"):
        return "uint16"
    if image.mode == "F":
        return "float32"
    if image.mode == "I":
        return _kind_of_integers(image)
    return "uint16" if _cut_to_eight(image) else ""


def read_deep(image: Image.Image, again: Image.Image) -> Deep:
    """Read an image whose pixels have more than 8 bits.

    Parameters
    ----------
    image, again : PIL.Image.Image
        The same bytes opened twice, neither of them loaded: colour is read once for either byte of its values.
    """
    kind = kind_of(image)
    if image.mode in ("RGB", "RGBA"):
        return _read_color(image, again)
    image.load()
    values = np.asarray(image)
    if kind == "uint32":
        values = values.view(np.uint32)  # Pillow holds them as if they were signed
    clear = image.info.get("transparency")
    alpha = np.where(values == clear, 0, 255).astype(np.uint8) if isinstance(clear, int) else None
    return Deep(kind, values, alpha, _tag(image, PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO)


def _kind_of_integers(image: Image.Image) -> str:
    if image.format != "TIFF":
        return "uint16" if image.format == "PPM" else "int32"  # Pillow brings the former to 0..65535
    bits = _tag(image, BITSPERSAMPLE)
    return f"{'' if _tag(image, SAMPLEFORMAT) == SIGNED else 'u'}int{bits}"


def _tag(image: Image.Image, number: int) -> int | None:
    """Return a TIFF tag, of which the first channel speaks for all; None for other formats."""
    value = getattr(image, "tag_v2", {}).get(number) if image.format == "TIFF" else None
    return value[0] if isinstance(value, tuple) else value


def _cut_to_eight(image: Image.Image) -> bool:
    """Tell whether Pillow would keep no more than the upper byte of each value."""
    if image.mode not in ("RGB", "RGBA"):
        return False
    if _tag(image, BITSPERSAMPLE) == 16 and _tag(image, PLANAR_CONFIGURATION) == SEPARATE:
        raise BadImageError("TIFF with 16-bit colours in separate planes: save it with interleaved ones")
    return ";16" in _raw_mode(image)


def _raw_mode(image: Image.Image) -> str:
    """Return how Pillow will read the bytes, such as ``RGB;16B``."""
    arguments = image.tile[0].args if image.tile else ""
    arguments = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return arguments if isinstance(arguments, str) else ""


def _read_as(image: Image.Image, raw_mode: str) -> np.ndarray:
    """Load an image's bytes in another way: uint8 [H, W, bands]."""
    tiles = []
    for tile in image.tile:
        arguments = (raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode
        tiles.append(tile._replace(args=arguments))
    image.tile = tiles
    image.load()
    return np.asarray(image)


def _read_color(image: Image.Image, again: Image.Image) -> Deep:
    raw_mode = _raw_mode(image)
    if raw_mode == "LA;16B":  # grey and alpha, two bytes each, are as long as four channels of one
        grey = _read_as(image, "RGBA")
        return Deep("uint16", _join(grey[..., 0], grey[..., 1]), grey[..., 2].copy())
    clear = image.info.get("transparency")
    name, order = raw_mode[:-1].replace("a", "A"), raw_mode[-1].replace("N", NATIVE)
    upper = _read_as(image, f"{name}{order}")
    lower = _read_as(again, f"{name}{'B' if order == 'L' else 'L'}")
    values = _join(upper, lower)
    if values.shape[2] == 3:
        alpha = None if clear is None else np.where((values == clear).all(axis=2), 0, 255).astype(np.uint8)
        return Deep("uint16", values, alpha)
    alpha = values[..., 3]
    values = values[..., :3]
    if raw_mode.startswith("RGBa"):  # colours were multiplied by alpha
        share = np.maximum(alpha, 1)[..., None] / 65535
        values = np.minimum(np.rint(values / share), 65535).astype(np.uint16)
    return Deep("uint16", values, (alpha >> 8).astype(np.uint8))


def _join(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    return (upper.astype(np.uint16) << 8) | lower
