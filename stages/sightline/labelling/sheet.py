"""The batch as a picture: each image with its rank, what the model takes it for and how sure it is."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sightline.drawing.contact_sheet import contact_sheet

if TYPE_CHECKING:
    import pandas as pd

SIDE = 128  # px of a thumbnail
MOST = 200  # images, which make a picture of some megabytes


def draw_sheet(batch: "pd.DataFrame", pixels: np.ndarray) -> Image.Image:
    """Draw a batch in its order, from above down, then right.

    Parameters
    ----------
    batch : pandas.DataFrame
        As `sightline.labelling.batch.tabulate` gives it.
    pixels : ndarray of uint8 [n, H, W, C]
        Its images.
    """
    shown = batch.head(MOST)
    captions = [f"{row.rank}. {row.prediction} {row.confidence:.2f}" for row in shown.itertuples()]
    part = "" if len(shown) == len(batch) else f", the first {len(shown)}"
    rows = [(caption, image[None]) for caption, image in zip(captions, pixels, strict=False)]
    return contact_sheet(rows, f"{len(batch):,} images to label{part}: rank, prediction, confidence", SIDE)
