"""Colours by the profile that a file carries (ICC), as screens show them: sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

GRID = 17  # levels a channel of the colours that tell whether a profile does anything
SAME = 2  # levels: LittleCMS's rounding between two files of the same profile
SPACES = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}  # of an image's mode


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image of 8 bits from its profile to sRGB, relative to white, with black point compensation.

    Handed back as it is where it has no profile, one of sRGB, one of another kind of colours, or a damaged one: viewers
    show those alike.

    Returns
    -------
    PIL.Image.Image
        In mode RGB or RGBA where it was converted.
    """
    if not profile or (image.mode == "RGB" and _transform(profile, "RGB") is None):
        return image
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert(_with_alpha(image))
    space = SPACES.get(image.mode)
    transform = _transform(profile, space) if space else None
    if transform is None:
        return image
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    if space != image.mode:
        image = image.convert("L" if space == "GRAY" else "RGB")
    image = ImageCms.applyTransform(image, transform)
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _with_alpha(image: Image.Image) -> str:
    grey = image.mode in ("1", "L")
    if "transparency" in image.info:
        return "LA" if grey else "RGBA"
    return "RGB"


@lru_cache(maxsize=64)
def _transform(profile: bytes, space: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None where it cannot be used or changes nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != space:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            "L" if space == "GRAY" else space,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform if space == "CMYK" or _changes(transform, space) else None


def _changes(transform: ImageCms.ImageCmsTransform, space: str) -> bool:
    if space == "GRAY":
        colors = np.arange(256, dtype=np.uint8)[None]
    else:
        levels = np.linspace(0, 255, GRID).round().astype(np.uint8)
        colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(GRID, -1, 3)
    found = np.asarray(ImageCms.applyTransform(Image.fromarray(colors), transform)).astype(int)
    wanted = colors if colors.ndim == 3 else colors[..., None]
    return int(np.abs(found - wanted).max()) > SAME
