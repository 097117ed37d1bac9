"""What pictures of explanations are drawn with: tiles, and the colours of maps."""

import math

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw

from sightline.drawing.canvas import FRAME, INK, PAPER, font, picture_of

COLORS = "turbo"  # runs from blue over green to red
BRIGHTEST = 0.86  # beyond this point of it the red turns dark
TILE = 160  # px: about the side of a tile
MOST_PIXELS = 8_000_000  # of all tiles of a picture, which lies in Git
GAP = 12  # px


def tile_side(input_size: int, tiles: int = 1) -> int:
    """Return the side of each of some tiles in pixels: of small images a whole multiple, so that pixels stay sharp.

    Where so many tiles would make too large a picture, they become smaller.
    """
    side = input_size * max(1, round(TILE / input_size)) if input_size <= TILE else TILE
    return min(side, math.isqrt(MOST_PIXELS // max(1, tiles)))


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
    mixed = (1 - opacity) * image + opacity * colored(heat)
    return mixed.round().astype(np.uint8)


def draw_message(lines: list[str]) -> Image.Image:
    """Draw lines of text where there is nothing else to show."""
    letters = font(15)
    width = max(round(letters.getlength(line)) for line in lines)
    canvas = Image.new("RGB", (width + 4 * GAP, 24 * len(lines) + 3 * GAP), PAPER)
    ImageDraw.Draw(canvas).multiline_text((2 * GAP, 3 * GAP // 2), "\n".join(lines), INK, letters, spacing=6)
    return canvas


def paste(canvas: Image.Image, tile: np.ndarray, corner: tuple[int, int]) -> None:
    """Put a tile uint8 [H, W, 3] into a picture, with a frame around it."""
    left, top = corner
    height, width = tile.shape[:2]
    ImageDraw.Draw(canvas).rectangle((left - 1, top - 1, left + width, top + height), outline=FRAME)
    canvas.paste(Image.fromarray(tile), corner)


def clipped(heat: np.ndarray) -> np.ndarray:
    """Return a map [h, w] in [0, 1] whose highest hundredth is 1, lest a few pixels leave the others dark."""
    high = np.percentile(heat, 99)
    return (heat / high).clip(0, 1) if high > 0 else heat


def colored(heat: np.ndarray) -> np.ndarray:
    """Return a map's colours, uint8 [H, W, 3], from blue at 0 to red at 1."""
    return colormaps[COLORS](BRIGHTEST * heat, bytes=True)[:, :, :3]


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return uint8 [side, side, 3], of grey ones too: enlarged with sharp pixels, or shrunk smoothly."""
    method = Image.Resampling.NEAREST if len(pixels) < side else Image.Resampling.BOX
    return np.asarray(picture_of(pixels).resize((side, side), method))


def resized_map(heat: np.ndarray, side: int) -> np.ndarray:
    """Return a map float32 [h, w] as [side, side], with bilinear interpolation."""
    return np.asarray(Image.fromarray(heat.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR))
