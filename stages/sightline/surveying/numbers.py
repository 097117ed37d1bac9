"""Numbers of each image: those of the file that it was, and those of its stored pixels."""

import numpy as np
import pandas as pd

from sightline.common.rows import evenly
from sightline.scoring.pixel_summary import summarize_pixels

MOST_VALUES = 400_000_000  # of pixels that are looked at: 130,000 images of 32 px in colour, 2,600 of 224 px
SHAPES = ("width", "height", "aspect")
LOOKS = ("brightness", "contrast", "sharpness", "saturation")


def measure_images(index: pd.DataFrame, pixels: np.ndarray) -> pd.DataFrame:
    """Return numbers of the images, or where they have too many pixels, of some, evenly chosen.

    Parameters
    ----------
    index : pandas.DataFrame
        width and height in pixels, one row for each image of `pixels`.
    pixels : ndarray
        uint8 [N, H, W, C], usually mapped into memory.

    Returns
    -------
    pandas.DataFrame
        Numbered by row of `pixels`: width, height, aspect (width over height), and what `summarize_pixels` gives,
        in [0, 1]: without saturation, red, green and blue where C is 1.
    """
    rows = evenly(len(pixels), MOST_VALUES // max(1, pixels[:1].size))
    shapes = index.iloc[rows][["width", "height"]].astype(float)
    looks = pd.DataFrame(summarize_pixels(pixels, rows), index=shapes.index)
    return pd.concat([shapes.assign(aspect=shapes["width"] / shapes["height"]), looks], axis=1)


def tabulate_classes(numbers: pd.DataFrame, labels: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return the medians of each class's numbers; `labels`, int, has one for each row of `numbers`."""
    medians = numbers.groupby(labels).median().reindex(range(len(classes)))
    return medians.set_axis(classes, axis="index")


def cut_share(numbers: pd.DataFrame) -> np.ndarray:
    """Return the share of each image's area, in [0, 1), that is lost when the largest square in its middle is kept."""
    return 1 - np.minimum(numbers["aspect"], 1 / numbers["aspect"]).to_numpy()


def shorter_side(numbers: pd.DataFrame) -> np.ndarray:
    """Return the shorter side of each file's image in pixels."""
    return numbers[["width", "height"]].min(axis=1).to_numpy()
