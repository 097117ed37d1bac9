"""Where images lie to given weights, and whether those of a class lie together."""

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 5


@dataclass(frozen=True)
class Embedding:
    """Some images on the two axes of largest variance of their features, and how well neighbours agree.

    Parameters
    ----------
    rows : ndarray
        int [n], positions in images.npy.
    places : ndarray
        float [n, 2].
    agreement : float
        Share of the five nearest neighbours (by cosine) that are of an image's class, over all images, in [0, 1].
    chance : float
        The same if classes were dealt out at random.
    """

    rows: np.ndarray
    places: np.ndarray
    agreement: float
    chance: float


def agree(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the nearest neighbours of float [n, features], by cosine, that have an image's own label."""
    from sklearn.neighbors import NearestNeighbors  # half a second, for maps alone

    count = min(NEIGHBOURS, len(features) - 1)
    near = NearestNeighbors(n_neighbors=count, metric="cosine").fit(features).kneighbors(return_distance=False)
    return float((labels[near] == labels[:, None]).mean())


def agree_by_chance(labels: np.ndarray) -> float:
    """Return the chance that two of the images, whose labels are int [n], have the same one."""
    shares = np.bincount(labels) / len(labels)
    return float(shares @ shares)
