"""One image in place of several that look alike: a batch must not ask the same question twice."""

import numpy as np

from sightline.images.duplicates import near_clusters


def one_of_each(phash: np.ndarray, uncertainty: np.ndarray, bits: int) -> np.ndarray:
    """Return the rows, rising, of the images that the model is least sure of among those that look alike.

    Parameters
    ----------
    phash : ndarray of uint64 [n]
        Perceptual hashes.
    uncertainty : ndarray of float [n]
        Of equally unsure ones the first is taken.
    bits : int
        In how many of the 64 bits near duplicates may differ; chains of them count as one.
    """
    order = np.argsort(-uncertainty, kind="stable")
    first = np.unique(near_clusters(phash, bits)[order], return_index=True)[1]
    return np.sort(order[first])
