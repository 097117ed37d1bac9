"""Which images of a class stand for all of it: those whose mean stays nearest to the mean of the class."""

import numpy as np

from sightline.training.heads.prototypes import unit


def herd(values: np.ndarray, count: int) -> np.ndarray:
    """Return positions of up to `count` images, the most telling first.

    One after the other the image is taken that brings the mean of those taken nearest to the mean of all, with features
    at length 1 (Welling, 2009, "Herding Dynamical Weights to Learn"; Rebuffi et al., 2017, "iCaRL").

    Parameters
    ----------
    values : ndarray of float [n, features]
        What a network sees in the images of a class.

    Returns
    -------
    ndarray of int [min(n, count)]
    """
    points = unit(values)
    mean = points.mean(axis=0)
    left = np.ones(len(points), dtype=bool)
    total = np.zeros_like(mean)
    chosen = []
    for taken in range(1, min(len(points), count) + 1):
        distance = np.square(mean - (total + points) / taken).sum(axis=1)
        nearest = int(np.argmin(np.where(left, distance, np.inf)))
        left[nearest] = False
        total += points[nearest]
        chosen.append(nearest)
    return np.array(chosen, dtype=int)
