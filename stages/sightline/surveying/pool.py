"""The pool of images without labels beside the labelled ones: do they look alike?"""

import numpy as np
import pandas as pd

from sightline.surveying.numbers import LOOKS, SHAPES, measure_images


def measure_pool(pixels: np.ndarray, index: pd.DataFrame) -> pd.DataFrame | None:
    """Return the numbers of the pool's images, as `read_pool` gives them; None where there are none."""
    return measure_images(index, pixels) if len(index) else None


def compare_pool(numbers: pd.DataFrame, pool: pd.DataFrame) -> pd.DataFrame:
    """Return, for each number of both, the medians and the largest difference of their distributions, in [0, 1].

    That is the statistic of Kolmogorov and Smirnov: 0 where both are alike, 1 where they do not overlap.
    """
    from scipy.stats import ks_2samp  # over a second, for pools alone

    names = [name for name in (*SHAPES, *LOOKS) if name in numbers and name in pool]
    table = {
        "number": names,
        "labelled": [numbers[name].median() for name in names],
        "pool": [pool[name].median() for name in names],
        "difference": [ks_2samp(numbers[name], pool[name]).statistic for name in names],
    }
    return pd.DataFrame(table)
