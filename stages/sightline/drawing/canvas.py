"""What every picture is made with: colours, one font, texts cut to the width that there is for them, and the file.

The page of `dvc plots show` (.dvc/plots) cannot import the colours and says them again: tests/test_plots_page.py
compares.
"""

from bisect import bisect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageFont

from sightline.common.files import replacing

if TYPE_CHECKING:  # take long to import, and contact sheets do without
    import numpy as np
    from matplotlib.figure import Figure

INK = "#1b1f24"  # text
MUTED = "#6b7280"  # captions, axes
PAPER = "#ffffff"
FRAME = "#d1d5db"  # around images
GRID = "#e5e7eb"  # lines between cells and behind curves
RIGHT, WRONG = "#15803d", "#b91c1c"  # decisions; changes for the better and for the worse
BARS = "#c7d2e5"  # counts and shares
BEFORE, AFTER = "#9ca3af", "#1d4ed8"  # what was, and what is
MARK = "#ea580c"  # what is pointed out
WORSE_TO_BETTER = (WRONG, "#f7b4a8", PAPER, "#a7dcb4", RIGHT)  # changes
SHARES = "Blues"  # matplotlib's and Vega's name of the scale from 0 to 1
OTHERS = ("#0d9488", "#9333ea", "#ca8a04", "#db2777", "#4b5563", "#0ea5e9", "#65a30d", "#78350f")
SERIES = (AFTER, MARK, *OTHERS)  # revisions, curves
SUBSETS = {"train": "#93b0e0", "val": "#e9a23b", "test": "#0f766e"}

DPI = 110  # of figures
ORDER = "actual class → predicted class"  # in which every picture names the two


def save_png(path: str | Path, picture: "Figure | Image.Image") -> None:
    """Write a figure or an image as PNG, whose bytes depend on nothing but the picture."""
    with replacing(path) as beside:
        if isinstance(picture, Image.Image):
            picture.save(beside, format="PNG")
        else:
            picture.savefig(beside, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})


def picture_of(pixels: "np.ndarray") -> Image.Image:
    """Return uint8 [H, W, 3], or grey [H, W, 1], as a picture in RGB."""
    return Image.fromarray(pixels) if pixels.shape[2] == 3 else Image.fromarray(pixels[..., 0]).convert("RGB")


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the letters that matplotlib brings, `size` pixels high, which are the same on every machine."""
    # the other layout engine is not in every build of Pillow, and sets letters elsewhere
    return ImageFont.truetype(_file(bold), size, layout_engine=ImageFont.Layout.BASIC)


def shortened(text: str, letters: ImageFont.FreeTypeFont, width: float) -> str:
    """Return the text as `legible`, cut to a width in the unit of the letters' size; one that fits stays whole."""
    text = legible(text)
    if letters.getlength(text) <= width:
        return text
    fitting = bisect(range(1, len(text)), width, key=lambda length: letters.getlength(f"{text[:length]}…"))
    return f"{text[:fitting].rstrip()}…"


def legible(text: str) -> str:
    """Return the text with each letter that the font lacks as its code: 猫 becomes <732B>, so that names stay apart."""
    known = _letters(bold=False) & _letters(bold=True)
    return "".join(letter if ord(letter) in known and letter.isprintable() else f"<{ord(letter):X}>" for letter in text)


@cache
def _letters(bold: bool) -> frozenset[int]:
    return frozenset(FT2Font(str(_file(bold))).get_charmap())


def _file(bold: bool) -> Path:
    return Path(get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
