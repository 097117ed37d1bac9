"""What every picture is made with: one font, texts cut to the width that there is for them, and the file it becomes."""

from bisect import bisect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageFont

from sightline.common.files import replacing
from sightline.drawing.palette import PAPER

if TYPE_CHECKING:  # takes long to import, and contact sheets do without
    from matplotlib.figure import Figure

DPI = 110  # of figures
ORDER = "actual class → predicted class"  # in which every picture names the two


def save_png(path: str | Path, picture: "Figure | Image.Image") -> None:
    """Write a figure or an image as PNG, whose bytes depend on nothing but the picture."""
    with replacing(path) as beside:
        if isinstance(picture, Image.Image):
            picture.save(beside, format="PNG")
        else:
            picture.savefig(beside, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})


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
