"""Where an image shows its class: how far the probability falls when a square of it is hidden.

Zeiler and Fergus, 2014, "Visualizing and Understanding Convolutional Networks", as gradcam's `occlusion` does it, but
without torch, and what is hidden turns into the image's own mean colour.
"""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

CELLS = 8  # a side; the hidden square is two of them wide and moves by one
COLOUR = (220, 38, 38)  # over what speaks for the class
OPACITY = 0.65  # where it speaks loudest
LEAST_SIDE = 224  # px of the picture


def hidden_squares(side: int) -> list[tuple[slice, slice]]:
    """Return the rows and columns of each square, the first row of squares first."""
    step = max(1, side // CELLS)
    width = min(2 * step, side)
    starts = range(0, -(-(side - width) // step) * step + 1, step)
    spans = [slice(start, min(start + width, side)) for start in starts]
    return [(rows, columns) for rows in spans for columns in spans]


def hide_squares(pixels: np.ndarray, at_once: int) -> Iterator[np.ndarray]:
    """Yield batches uint8 [at most at_once, S, S, C] of an image [S, S, C], in each row of which a square is hidden."""
    squares = hidden_squares(len(pixels))
    color = pixels.mean(axis=(0, 1)).round().astype(np.uint8)
    for start in range(0, len(squares), at_once):
        part = squares[start : start + at_once]
        batch = np.repeat(pixels[None], len(part), axis=0)
        for image, (rows, columns) in zip(batch, part, strict=True):
            image[rows, columns] = color
        yield batch


def map_falls(falls: np.ndarray, side: int) -> np.ndarray:
    """Return for each pixel the mean fall of the squares that hide it, at least 0.

    Parameters
    ----------
    falls : ndarray
        float [squares], of the probability, in the order of `hidden_squares`.

    Returns
    -------
    ndarray of float [side, side]
    """
    total = np.zeros((side, side))
    count = np.zeros((side, side))
    for fall, (rows, columns) in zip(falls, hidden_squares(side), strict=True):
        total[rows, columns] += fall
        count[rows, columns] += 1
    return np.maximum(total / count, 0)


def draw_map(pixels: np.ndarray, falls: np.ndarray) -> bytes:
    """Return a PNG of an image uint8 [S, S, C] with its map float [S, S] >= 0 over it; a small one is enlarged."""
    times = -(-LEAST_SIDE // len(pixels))
    size = (times * len(pixels),) * 2
    greatest = falls.max()
    strength = falls / greatest if greatest > 0 else falls
    mask = Image.fromarray((255 * OPACITY * strength).round().astype(np.uint8))
    colors = np.repeat(pixels, 3 // pixels.shape[2], axis=2)
    picture = Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)
    picture.paste(COLOUR, mask=mask.resize(size, Image.Resampling.BILINEAR))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
