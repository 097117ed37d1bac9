"""Images on two sides at once: what makes a test score better than the model."""

import numpy as np

SIDES = (("val", "test"), ("train", "test"), ("train", "val"))  # the first of a pair is the one that gives way


def find_leaks(clusters: np.ndarray, subsets: np.ndarray) -> dict[str, np.ndarray]:
    """Find the images whose cluster also stands on another side.

    Parameters
    ----------
    clusters : ndarray of int [N]
        Equal for images that must not be separated; negative for images that are free.
    subsets : ndarray of str [N]

    Returns
    -------
    dict of str to ndarray of bool [N]
        For ``train_test`` the training images that share a cluster with a test image, and so on.
    """
    found = {}
    for low, high in SIDES:
        taken = clusters[(subsets == high) & (clusters >= 0)]
        found[f"{low}_{high}"] = (subsets == low) & np.isin(clusters, taken)
    return found


def find_fold_leaks(clusters: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Find the images whose cluster stands in more than one fold, bool [N]; negative clusters and folds are free."""
    bound = (clusters >= 0) & (folds >= 0)
    pairs = np.unique(np.stack([clusters[bound], folds[bound]]), axis=1)
    values, counts = np.unique(pairs[0], return_counts=True)
    return bound & np.isin(clusters, values[counts > 1])


def count_leaks(leaks: dict[str, np.ndarray]) -> dict[str, int]:
    """Count the images of each kind of leak."""
    return {name: int(images.sum()) for name, images in leaks.items()}
