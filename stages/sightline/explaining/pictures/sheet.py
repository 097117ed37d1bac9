"""A picture of explained predictions: each image with one tile a method."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sightline.drawing.canvas import INK, MUTED, ORDER, PAPER, RIGHT, WRONG, font, shortened
from sightline.drawing.tiles import (
    GAP,
    clipped,
    colored,
    draw_message,
    overlay,
    paste,
    resized,
    resized_map,
    tile_side,
)

TITLE = 24  # px, heights of lines
CAPTION = 22
HEADING = 58  # px, with a line that says what stands above each image
PLAIN_HEADING = 40  # px, without it
SPACE = 8  # px between words of different colours
SMALLEST = 330  # px: what a title needs


@dataclass(frozen=True)
class Explained:
    """One image and where its prediction comes from.

    Parameters
    ----------
    pixels : ndarray
        uint8 [S, S, 3], what the network saw.
    maps : dict of str to ndarray
        Title of each method to its map, float [S, S] in [0, 1]; all zero when it points nowhere.
    actual, predicted : str
        Class names.
    confidence : float
        Probability of the predicted class, in [0, 1].
    box : ndarray or None
        left, top, right, bottom in pixels of `pixels`: where a person sees the object.
    """

    pixels: np.ndarray
    maps: dict[str, np.ndarray]
    actual: str
    predicted: str
    confidence: float
    box: np.ndarray | None


def draw_sheet(heading: str, group: list[Explained], alpha: float) -> Image.Image:
    """Draw images with their explanations, in as many columns as make the picture about square."""
    if not group:
        return draw_message([f"{heading}: none"])
    side = tile_side(len(group[0].pixels), len(group) * (2 + len(group[0].maps)))
    tiles = [_tiles(shown, side, alpha) for shown in group]
    width = max(SMALLEST, len(tiles[0]) * (side + GAP)) + GAP
    height = TITLE + side + CAPTION + GAP
    columns = max(1, round(math.sqrt(len(group) * height / width)))
    rows = math.ceil(len(group) / columns)
    letters = font(16, bold=True)
    canvas_width = max(columns * width + GAP, math.ceil(letters.getlength(heading)) + 2 * GAP)
    canvas = Image.new("RGB", (canvas_width, HEADING + rows * height), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((GAP, GAP), heading, INK, letters)
    draw.text((GAP, GAP + 22), shortened(ORDER, font(12), canvas.width - 2 * GAP), MUTED, font(12))
    for number, (shown, drawn) in enumerate(zip(group, tiles, strict=True)):
        corner = GAP + number % columns * width, HEADING + number // columns * height
        _draw_title(draw, shown, corner, width - 2 * GAP)
        draw_tiles(canvas, drawn, (corner[0], corner[1] + TITLE))
    return canvas


def draw_tiles(canvas: Image.Image, tiles: dict[str, np.ndarray], corner: tuple[int, int]) -> None:
    """Put captioned tiles uint8 [side, side, 3] beside each other."""
    draw = ImageDraw.Draw(canvas)
    letters = font(12)
    left, top = corner
    for caption, tile in tiles.items():
        side = len(tile)
        paste(canvas, tile, (left, top))
        text = shortened(caption, letters, side)
        draw.text((left + side // 2, top + side + CAPTION // 2), text, MUTED, letters, anchor="mm")
        left += side + GAP


def _tiles(shown: Explained, side: int, alpha: float) -> dict[str, np.ndarray]:
    image = resized(shown.pixels, side)
    tiles = {"image": _boxed(image, shown)}
    for title, heat in shown.maps.items():
        large = resized_map(clipped(heat), side).clip(0, 1)
        name = title if heat.any() else f"{title}: blank"
        if len(shown.maps) == 1:
            tiles[f"{name}, blue to red"] = colored(large)
            name = "overlay"
        tiles[name] = overlay(image, large, alpha)
    return tiles


def _boxed(image: np.ndarray, shown: Explained) -> np.ndarray:
    if shown.box is None:
        return image
    picture = Image.fromarray(image)
    left, top, right, bottom = (shown.box * len(image) / len(shown.pixels)).round().astype(int).tolist()
    for inset, color in ((0, INK), (1, PAPER)):  # two colours, so that one of them shows
        corners = (left + inset, top + inset, max(left, right - 1) - inset, max(top, bottom - 1) - inset)
        if corners[2] > corners[0] and corners[3] > corners[1]:
            ImageDraw.Draw(picture).rectangle(corners, outline=color)
    return np.asarray(picture)


def _draw_title(draw: ImageDraw.ImageDraw, shown: Explained, corner: tuple[int, int], width: int) -> None:
    """Write the class, an arrow and the predicted class where it is another one, and how sure the network is."""
    bold = font(14, bold=True)
    plain = font(12)
    names = [(shown.actual, RIGHT)]
    names += [(f"→ {shown.predicted}", WRONG)] if shown.predicted != shown.actual else []
    sure = f"{100 * shown.confidence:.1f} % sure"
    room = (width - plain.getlength(sure)) / len(names) - SPACE
    left = float(corner[0])
    baseline = corner[1] + 15
    for name, color in names:
        text = shortened(name, bold, room)
        draw.text((left, baseline), text, color, bold, anchor="ls")
        left += bold.getlength(text) + SPACE
    draw.text((left, baseline), sure, MUTED, plain, anchor="ls")
