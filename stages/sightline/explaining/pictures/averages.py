"""Mean maps of classes: where the network usually looks when it names them."""

import math

import numpy as np
from PIL import Image, ImageDraw

from sightline.drawing.canvas import INK, PAPER, font, shortened
from sightline.drawing.tiles import GAP, overlay, resized, resized_map, tile_side
from sightline.explaining.pictures.sheet import CAPTION, PLAIN_HEADING, TITLE, draw_tiles

MOST = 60  # classes in a picture, which is to stay small


def mean_explanation(pixels: list[np.ndarray], maps: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of images uint8 [S, S, 3] and that of their maps [S, S], scaled to a largest value of 1."""
    image = np.mean(pixels, axis=0).round().astype(np.uint8)
    heat = np.mean(maps, axis=0, dtype=np.float64)
    return image, (heat / heat.max() if heat.any() else heat).astype(np.float32)


def draw_averages(heading: str, means: dict[str, tuple[np.ndarray, np.ndarray]], alpha: float) -> Image.Image:
    """Draw each class's mean image, and its mean map over it.

    Parameters
    ----------
    heading : str
        Above all.
    means : dict
        Class name to `mean_explanation`; at least one. The first 60 are drawn.
    alpha : float
        Opacity of the map where it is 1, in [0, 1].
    """
    shown = dict(list(means.items())[:MOST])
    side = tile_side(len(next(iter(shown.values()))[0]), 2 * len(shown))
    width, height = 2 * (side + GAP) + GAP, TITLE + side + CAPTION + GAP
    columns = max(2, round(math.sqrt(len(shown) * height / width)))
    bold = font(14, bold=True)
    canvas_width = max(columns * width + GAP, math.ceil(bold.getlength(heading)) + 2 * GAP)
    canvas = Image.new("RGB", (canvas_width, PLAIN_HEADING + math.ceil(len(shown) / columns) * height), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((GAP, GAP), heading, INK, bold)
    for number, (name, (pixels, heat)) in enumerate(shown.items()):
        left, top = GAP + number % columns * width, PLAIN_HEADING + number // columns * height
        draw.text((left, top + 15), shortened(name, bold, width - 2 * GAP), INK, bold, anchor="ls")
        image = resized(pixels, side)
        tiles = {"mean image": image, "mean map": overlay(image, resized_map(heat, side).clip(0, 1), alpha)}
        draw_tiles(canvas, tiles, (left, top + TITLE))
    return canvas
