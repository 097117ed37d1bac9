"""Pictures of how a classifier fails and of how far its probabilities can be trusted."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from sightline.drawing.canvas import DPI, FRAME, INK, MUTED, ORDER, RIGHT, WRONG, font, shortened

COLUMNS = 6
TILE = (1.9, 2.45)  # inches: the image, and three lines of text below it
HEADER = 0.72  # inches above the tiles
TEXT_WIDTH = TILE[0] - 0.15  # inches: what fits below a tile
SIZE = 9  # points, of the text below a tile
NAMES = FontProperties(size=SIZE, weight="bold")
FIGURES = FontProperties(size=SIZE)
FINE = 100  # px, of letters measured without rounding


def draw_mistakes(
    mistakes: pd.DataFrame, images: np.ndarray, classes: list[str], heading: str, subtitle: str = ORDER
) -> Figure:
    """Draw wrongly classified images in a grid, each with its class, the predicted one and the confidence.

    Parameters
    ----------
    mistakes : pandas.DataFrame
        One row a tile: label, predicted (int), and confidence in [0, 1] or, where there is such a column, a remark.
        None: the picture holds the heading alone.
    images : ndarray
        uint8 [n, H, W, 3], in the order of the rows.
    heading, subtitle : str
        What the picture shows, and what stands below each image, on one line each.
    """
    if mistakes.empty:
        return _draw_message(heading)
    columns = min(COLUMNS, max(3, len(mistakes)))
    rows = -(-len(mistakes) // columns)
    width, height = columns * TILE[0] + 0.2, rows * TILE[1] + HEADER
    axes = draw_on_inches(width, height)
    axes.figure.text(0.15 / width, 1 - 0.15 / height, heading, fontsize=12, weight="bold", color=INK, va="top")
    axes.figure.text(0.15 / width, 1 - 0.42 / height, subtitle, fontsize=9, color=MUTED, va="top")
    for position, (mistake, image) in enumerate(zip(mistakes.itertuples(), images, strict=True)):
        row, column = divmod(position, columns)
        corner = column * TILE[0] + 0.15, height - HEADER - row * TILE[1]
        remark = getattr(mistake, "remark", None) or f"{100 * mistake.confidence:.1f} % sure"
        draw_tile(axes, image, corner, (classes[mistake.label], f"→ {classes[mistake.predicted]}", remark))
    return axes.figure


def draw_on_inches(width: float, height: float) -> Axes:
    """Return the axes that cover a new figure, in inches from its lower left corner: axes for each tile are slow."""
    axes = Figure(figsize=(width, height)).add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return axes


def draw_tile(axes: Axes, image: np.ndarray, corner: tuple[float, float], lines: tuple[str, str, str]) -> None:
    """Draw an image below its upper left corner, and below it what is right, what is wrong, and a remark."""
    (left, top), side, limits = corner, TILE[0] - 0.2, (*axes.get_xlim(), *axes.get_ylim())
    small = max(image.shape[:2]) < TILE[0] * DPI
    extent = (left, left + side, top - side, top)
    axes.imshow(image, extent=extent, aspect="auto", interpolation="nearest" if small else "antialiased")
    axes.axis(limits)
    axes.add_patch(Rectangle((left, top - side), side, side, fill=False, edgecolor=FRAME, linewidth=0.8))
    styles = ((NAMES, RIGHT), (NAMES, WRONG), (FIGURES, MUTED))
    for number, (text, (style, color)) in enumerate(zip(lines, styles, strict=True)):
        below = {"xytext": (0, -13 - 12.5 * number), "textcoords": "offset points", "va": "baseline"}
        shown = fitted(text, SIZE, TEXT_WIDTH, bold=style is NAMES)
        # a class may be called $5, which is no formula
        axes.annotate(shown, (left, top - side), **below, font=style, color=color, parse_math=False)


def _draw_message(text: str) -> Figure:
    figure = Figure(figsize=(6.6, 1.4))
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=13, color=INK)
    return figure


def fitted(text: str, size: float, width: float, bold: bool = False) -> str:
    """Return a text of a figure, `size` points high, cut to a width in inches."""
    return shortened(text, font(FINE, bold), FINE / size * 72 * width)
