"""Test images that the network has seen in training, and how accurate it is without them."""

import numpy as np
import pandas as pd

from sightline.images.duplicates import near_clusters


def find_seen(samples: pd.DataFrame, near_bits: int) -> dict[str, np.ndarray]:
    """Find the test images that have a copy among the images that are not test.

    Parameters
    ----------
    samples : pandas.DataFrame
        One row an image that takes part: subset, sha256, phash (hexadecimal).
    near_bits : int
        Hashes that differ in so many bits, or are linked by a chain of such hashes, are near duplicates.

    Returns
    -------
    dict of str to ndarray of bool [test images]
        ``exact`` and ``near`` (the exact ones included), in the order of the rows.
    """
    test = (samples["subset"] == "test").to_numpy()
    phash = np.array([int(value, 16) for value in samples["phash"]], dtype=np.uint64)
    clusters = {"exact": samples["sha256"], "near": pd.Series(near_clusters(phash, near_bits), index=samples.index)}
    return {name: code[test].isin(code[~test]).to_numpy() for name, code in clusters.items()}


def summarize_leakage(seen: dict[str, np.ndarray], right: np.ndarray) -> dict:
    """Count the seen test images, and measure the accuracy without them; right is bool [test images]."""
    metrics = {}
    for name, images in seen.items():
        metrics[name] = int(images.sum())
        if images.any() and not images.all():
            metrics[f"accuracy_without_{name}"] = float(right[~images].mean())
    return {"leakage": metrics} if len(right) else {}
