"""How a picture becomes a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from sightline.common.files import replacing
from sightline.drawing.palette import PAPER

if TYPE_CHECKING:  # takes long to import, and contact sheets do without
    from matplotlib.figure import Figure

DPI = 110


def save_png(path: str | Path, picture: "Figure | Image.Image") -> None:
    """Write a figure or an image as PNG, whose bytes depend on nothing but the picture."""
    with replacing(path) as beside:
        if isinstance(picture, Image.Image):
            picture.save(beside, format="PNG")
        else:
            picture.savefig(beside, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})
