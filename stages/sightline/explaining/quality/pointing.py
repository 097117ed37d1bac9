"""Whether a map points into a box that a person drew, given in pixels of the original image."""

import numpy as np
import pandas as pd

from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.store import BOX_COLUMNS


def read_boxes(index: pd.DataFrame) -> np.ndarray | None:
    """Return each row's box, float [N, 4]: left, top, right, bottom in pixels of the upright original image.

    Returns
    -------
    ndarray or None
        NaN in rows without a box; None where the source has no columns box_x, box_y, box_width, box_height.
    """
    if not set(BOX_COLUMNS) <= set(index.columns):
        return None
    left, top, width, height = (pd.to_numeric(index[name], errors="coerce").to_numpy(float) for name in BOX_COLUMNS)
    return np.stack([left, top, left + width, top + height], axis=1)


def place_boxes(
    index: pd.DataFrame, rows: list[int], preprocessing: Preprocessing, input_size: int
) -> dict[int, np.ndarray]:
    """Return the boxes of those rows that have one inside what the network sees, as `place_box` gives them."""
    boxes = read_boxes(index)
    if boxes is None:
        return {}
    sizes = index[["width", "height"]].to_numpy()
    placed = {row: place_box(boxes[row], *sizes[row].tolist(), preprocessing, input_size) for row in rows}
    return {row: box for row, box in placed.items() if box is not None}


def place_box(
    box: np.ndarray, width: int, height: int, preprocessing: Preprocessing, input_size: int
) -> np.ndarray | None:
    """Return where a box lies in what the network sees.

    Parameters
    ----------
    box : ndarray
        left, top, right, bottom in the original image.
    width, height : int
        Of the original image.
    preprocessing : Preprocessing
        How the stored square was made from it.
    input_size : int
        Side that the network takes; larger stored squares are cropped at their centre, smaller ones enlarged.

    Returns
    -------
    ndarray or None
        left, top, right, bottom in [0, input_size]; None where the box is missing or was cut away.
    """
    if np.isnan(box).any():
        return None
    side = preprocessing.image_size
    scales = {"stretch": (side / width, side / height)}
    scales |= {"crop": (side / min(width, height),) * 2, "pad": (side / max(width, height),) * 2}
    across, down = scales[preprocessing.fit]
    offset = np.array([(side - width * across) / 2, (side - height * down) / 2] * 2)
    placed = box * np.array([across, down] * 2) + offset
    if side > input_size:
        placed -= (side - input_size) // 2
    else:
        placed *= input_size / side
    placed = placed.clip(0, input_size)
    return placed if placed[2] > placed[0] and placed[3] > placed[1] else None


def points_inside(heat: np.ndarray, box: np.ndarray) -> bool:
    """Return whether the map's highest pixel has its centre in the box; a blank map points nowhere.

    Zhang et al., 2018, "Top-down Neural Attention by Excitation Backprop" (the pointing game).
    """
    if not heat.any():
        return False
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    left, top, right, bottom = box
    return bool(left <= column + 0.5 <= right and top <= row + 0.5 <= bottom)
