"""Pictures of images in a grid, drawn with Pillow alone."""

import math
import statistics

import numpy as np
from PIL import Image, ImageDraw

from sightline.drawing.canvas import INK, MUTED, PAPER, font, legible, picture_of, shortened

TEXT_SIZE = 13  # px
GAP = 4  # px
WIDEST = 640  # px: what a caption may take where the images below it take less


def contact_sheet(rows: list[tuple[str, np.ndarray]], title: str, side: int) -> Image.Image:
    """Draw one labelled row of images after the other, in as many columns as make the picture about square.

    Parameters
    ----------
    rows : list of (str, ndarray of uint8 [n, H, W, 3])
        A caption and its images; rows may differ in n.
    title : str
        Above all; where `rows` is empty it stands alone.
    side : int
        Side of a thumbnail in pixels.
    """
    letters = font(TEXT_SIZE)
    longest = max((len(images) for _, images in rows), default=0)
    room = max(longest * (side + GAP), _caption_room([letters.getlength(legible(caption)) for caption, _ in rows]))
    width, height = room + 3 * GAP, TEXT_SIZE + 3 * GAP + side + GAP
    columns = max(1, round(math.sqrt(len(rows) * height / width)))
    per_column = math.ceil(len(rows) / columns)
    top = TEXT_SIZE + 5 * GAP
    canvas_width = max(columns * width, int(letters.getlength(title))) + 2 * GAP
    canvas = Image.new("RGB", (canvas_width, top + per_column * height + GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((2 * GAP, GAP), title, MUTED, letters)
    for index, (caption, images) in enumerate(rows):
        left = 2 * GAP + index // per_column * width
        y = top + index % per_column * height
        draw.text((left, y), shortened(caption, letters, room), INK, letters)
        for column, pixels in enumerate(images):
            canvas.paste(thumbnail(pixels, side), (left + column * (side + GAP), y + TEXT_SIZE + 2 * GAP))
    return canvas


def _caption_room(widths: list[float]) -> int:
    """Return the pixels that captions get: what the longest needs, but one long name does not widen every column."""
    return min(WIDEST, int(max(widths)) + 1, int(2 * statistics.median(widths)) + 1) if widths else 0


def say_part(shown: int, count: int) -> str:
    """Return how many classes of all are shown, as the end of a title: nothing where they all are."""
    return "" if shown == count else f", {shown:,} of {count:,} classes"


def thumbnail(pixels: np.ndarray, side: int) -> Image.Image:
    """Return uint8 [H, W, 3], or grey ones, as a square picture: enlarged with sharp pixels, or shrunk smoothly."""
    image = picture_of(pixels)
    smaller = image.width < side
    return image.resize((side, side), Image.Resampling.NEAREST if smaller else Image.Resampling.BOX)
