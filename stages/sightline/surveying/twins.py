"""Images that look alike but have different classes: labels that contradict each other, or classes hard to tell."""

import numpy as np
import pandas as pd

from sightline.images.duplicates import find_conflicts, near_pairs


def find_twins(phash: np.ndarray, labels: np.ndarray, bits: int) -> pd.DataFrame:
    """Return pairs of images with different labels whose perceptual hashes differ in at most `bits` bits.

    Of images with the same hash, one of each label stands for all.

    Parameters
    ----------
    phash : ndarray of S16 [N]
        Hexadecimal digits, as index.csv has them.
    labels : ndarray of int [N]

    Returns
    -------
    pandas.DataFrame
        first, second (positions), bits: the most alike first.
    """
    hashes = np.frombuffer(bytes.fromhex(phash.astype("S16").tobytes().decode()), dtype=">u8").astype(np.uint64)
    values, first, clusters = np.unique(hashes, return_index=True, return_inverse=True)
    near = first[near_pairs(values, bits)]
    near = np.sort(near[labels[near[:, 0]] != labels[near[:, 1]]], axis=1)
    pairs = np.concatenate([find_conflicts(clusters, labels), near])
    distance = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).astype(int)
    table = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1], "bits": distance})
    return table.sort_values(["bits", "first", "second"], ignore_index=True)
