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
    total, squares = np.zeros(3), np.zeros(3)
    for start in range(0, len(chosen), AT_ONCE):
        values = pixels[chosen[start : start + AT_ONCE]].reshape(-1, 3).astype(np.float64) / 255
        total += values.sum(axis=0)
        squares += np.square(values).sum(axis=0)
    count = len(chosen) * pixels.shape[1] * pixels.shape[2]
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, (1 / 255) ** 2))
    return mean.tolist(), std.tolist()
