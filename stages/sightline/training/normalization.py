"""The mean and standard deviation of the training images."""

import numpy as np

AT_MOST = 10_000  # images, evenly spaced: enough for three digits of each number
AT_ONCE = 256


def dataset_normalization(pixels: np.ndarray, rows: np.ndarray) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation per channel, in units of [0, 1], over the pixels of the given rows.

    Parameters
    ----------
    pixels : ndarray of uint8 [N, H, W, 3]
    rows : ndarray of int [n]
        Training images, n at least 1.

    Returns
    -------
    mean, std : list of 3 float
        std is at least 1 / 255, so that a constant channel can be divided by it.
    """
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), AT_MOST)).astype(int)]
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(chosen), AT_ONCE):
        values = pixels[chosen[start : start + AT_ONCE]].reshape(-1, 3)
        counts += [np.bincount(channel, minlength=256) for channel in values.T]  # a tenth of the time of sums of floats
    levels, total = np.arange(256) / 255, counts[0].sum()
    mean = counts @ levels / total
    variance = (counts * np.square(levels - mean[:, np.newaxis])).sum(axis=1) / total
    return mean.tolist(), np.sqrt(np.maximum(variance, (1 / 255) ** 2)).tolist()
