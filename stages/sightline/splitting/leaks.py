"""Images on two sides at once: what makes a test score better than the model."""

import numpy as np

SIDES = (("val", "test"), ("train", "test"), ("train", "val"))  # the first of a pair is the one that gives way


def find_leaks(clusters: np.ndarray, subsets: np.ndarray) -> dict[str, np.ndarray]:
    """Find the images whose cluster also stands on another side.

    Parameters
    ----------
    clusters : ndarray of int [N]
        Numbers from 0 without large gaps, equal for images that must not be separated; negative for images that are
        free.
    subsets : Categorical or ndarray of str [N]

    Returns
    -------
    dict of str to ndarray of bool [N]
        For ``train_test`` the training images that share a cluster with a test image, and so on.
    """
    leaks = {}
    bound = clusters >= 0
    for low, high in SIDES:
        taken = np.zeros(clusters.max(initial=-1) + 1, dtype=bool)
        taken[clusters[bound & (subsets == high)]] = True
        leaking = (subsets == low) & bound
        leaking[bound] &= taken[clusters[bound]]
        leaks[f"{low}_{high}"] = leaking
    return leaks


def find_fold_leaks(clusters: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Find the images whose cluster stands in more than one fold, bool [N]; negative clusters and folds are free."""
    leaking = (clusters >= 0) & (folds >= 0)
    cluster = clusters[leaking]
    fold = folds[leaking]
    lowest = np.full(clusters.max(initial=-1) + 1, folds.max(initial=0))
    highest = np.zeros_like(lowest)
    np.minimum.at(lowest, cluster, fold)
    np.maximum.at(highest, cluster, fold)
    leaking[leaking] = lowest[cluster] < highest[cluster]
    return leaking


def count_leaks(leaks: dict[str, np.ndarray]) -> dict[str, int]:
    """Count the images of each kind of leak."""
    return {name: int(images.sum()) for name, images in leaks.items()}
