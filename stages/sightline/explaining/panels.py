"""Pictures of explanations: image, map and overlay side by side, and an overview of all."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import colormaps, get_data_path
from PIL import Image, ImageDraw, ImageFont

from sightline.common.files import replacing

COLORS, BRIGHTEST = "turbo", 0.86  # turbo runs from blue over green to red; beyond this point it turns dark
INK, MUTED, RIGHT, WRONG, PAPER, FRAME = "#1b1f24", "#6b7280", "#15803d", "#b91c1c", "#ffffff", "#d1d5db"
TILE = 192  # px: about the side of an image in a panel
THUMBNAIL = 128  # px, in the overview
GAP = 12  # px


@dataclass(frozen=True)
class Explained:
    """One image and where its prediction comes from.

    Parameters
    ----------
    pixels : ndarray
        uint8 [S, S, 3], what the network saw.
    map : ndarray
        float [side, side] in [0, 1], over all of `pixels`; all zero when it points nowhere.
    actual, predicted : str
        Class names.
    confidence : float
        Probability of the predicted class, in [0, 1].
    """

    pixels: np.ndarray
    map: np.ndarray
    actual: str
    predicted: str
    confidence: float


def tile_side(input_size: int) -> int:
    """Return the side in pixels of an image in a panel: a whole multiple of its own, so that its pixels stay sharp."""
    return input_size * max(1, round(TILE / input_size))


def overlay(image: np.ndarray, heat: np.ndarray, alpha: float) -> np.ndarray:
    """Lay a map's colours over an image, the more opaque the higher the map.

    Parameters
    ----------
    image : ndarray
        uint8 [H, W, 3].
    heat : ndarray
        float [H, W] in [0, 1].
    alpha : float
        Opacity where the map is 1, in [0, 1].

    Returns
    -------
    ndarray
        uint8 [H, W, 3].
    """
    opacity = alpha * np.sqrt(heat)[:, :, np.newaxis]  # the root lets middling values show on dark images too
    mixed = (1 - opacity) * image + opacity * _colored(heat)
    return mixed.round().astype(np.uint8)


def draw_panel(shown: Explained, alpha: float) -> Image.Image:
    """Draw image, map and overlay in a row below the true and the predicted class."""
    side = len(shown.map)
    image = _enlarged(shown.pixels, side)
    captioned = {
        "image": image,
        "Grad-CAM, blue to red" if shown.map.any() else "Grad-CAM: blank": _colored(shown.map),
        "overlay": overlay(image, shown.map, alpha),
    }
    canvas = Image.new("RGB", (3 * side + 4 * GAP, side + 76), PAPER)
    draw = ImageDraw.Draw(canvas)
    _draw_title(draw, shown, canvas.width - 2 * GAP)
    for column, (caption, tile) in enumerate(captioned.items()):
        left = GAP + column * (side + GAP)
        _paste(canvas, tile, (left, 44))
        draw.text((left + side // 2, side + 64), caption, MUTED, _font(13), anchor="mm")
    return canvas


def draw_overview(groups: dict[str, list[Explained]], alpha: float) -> Image.Image:
    """Draw all overlays, one heading and one row a group; a group may be empty."""
    longest = max(5, *(len(group) for group in groups.values()))
    height = THUMBNAIL + 88
    canvas = Image.new("RGB", (GAP + longest * (THUMBNAIL + GAP), len(groups) * height + GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    for row, (heading, group) in enumerate(groups.items()):
        top = GAP + row * height
        draw.text((GAP, top), heading if group else f"{heading}: none", INK, _font(16, bold=True))
        for column, shown in enumerate(group):
            _draw_thumbnail(canvas, draw, shown, alpha, (GAP + column * (THUMBNAIL + GAP), top + 28))
    return canvas


def draw_message(lines: list[str]) -> Image.Image:
    """Draw lines of text where there is nothing else to show."""
    font = _font(15)
    width = max(round(font.getlength(line)) for line in lines)
    canvas = Image.new("RGB", (width + 4 * GAP, 24 * len(lines) + 3 * GAP), PAPER)
    ImageDraw.Draw(canvas).multiline_text((2 * GAP, 3 * GAP // 2), "\n".join(lines), INK, font, spacing=6)
    return canvas


def save_png(path: Path, picture: Image.Image) -> None:
    """Write a picture as PNG, whose bytes depend on nothing but the picture."""
    with replacing(path) as beside:
        picture.save(beside, format="PNG", optimize=True)


def _draw_title(draw: ImageDraw.ImageDraw, shown: Explained, width: int) -> None:
    bold, plain = _font(16, bold=True), _font(14)
    sure = f"    probability {shown.confidence:.3f}"
    room = (width - plain.getlength(f"true    predicted  {sure}")) / 2
    left = float(GAP)
    for text, color, font in (
        ("true  ", MUTED, plain),
        (_shortened(shown.actual, bold, room), INK, bold),
        ("    predicted  ", MUTED, plain),
        (_shortened(shown.predicted, bold, room), _verdict(shown), bold),
        (sure, MUTED, plain),
    ):
        draw.text((left, 30), text, color, font, anchor="ls")
        left += font.getlength(text)


def _draw_thumbnail(
    canvas: Image.Image, draw: ImageDraw.ImageDraw, shown: Explained, alpha: float, corner: tuple[int, int]
) -> None:
    left, top = corner
    side = len(shown.map)
    tile = Image.fromarray(overlay(_enlarged(shown.pixels, side), shown.map, alpha))
    _paste(canvas, np.asarray(tile.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)), corner)
    bold, plain = _font(13, bold=True), _font(12)
    below = top + THUMBNAIL + 6
    draw.text((left, below), _shortened(shown.predicted, bold, THUMBNAIL), _verdict(shown), bold)
    truth = "" if shown.predicted == shown.actual else f"true {shown.actual}, "
    sure = f"{shown.confidence:.3f}"
    draw.text((left, below + 18), _shortened(truth, plain, THUMBNAIL - plain.getlength(sure)) + sure, MUTED, plain)


def _verdict(shown: Explained) -> str:
    return RIGHT if shown.predicted == shown.actual else WRONG


def _paste(canvas: Image.Image, tile: np.ndarray, corner: tuple[int, int]) -> None:
    left, top = corner
    height, width = tile.shape[:2]
    ImageDraw.Draw(canvas).rectangle((left - 1, top - 1, left + width, top + height), outline=FRAME)
    canvas.paste(Image.fromarray(tile), corner)


def _colored(heat: np.ndarray) -> np.ndarray:
    return colormaps[COLORS](BRIGHTEST * heat, bytes=True)[:, :, :3]


def _enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST))


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", name), size)
