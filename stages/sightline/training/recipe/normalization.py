"""The mean and deviation by which a network's input is normalised, by the parameter `normalization`."""

import numpy as np

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly
from sightline.networks.architectures.build import network_normalization
from sightline.training.recipe.pretrained import tracked_path, weights_normalization

AT_MOST = 10_000  # images, evenly spaced: enough for three digits of the mean and the deviation
AT_ONCE = 256

NORMALIZATIONS = {  # params, pixels, training rows -> mean and standard deviation a channel, in [0, 1]
    "dataset": lambda params, pixels, rows: dataset_normalization(pixels, rows),
    "network": lambda params, pixels, rows: network_normalization(params.architectures[0]),
    "weights": lambda params, pixels, rows: earlier_normalization(params.weights),
}


def earlier_normalization(weights: str) -> tuple[list[float], list[float]]:
    """Return the mean and standard deviation that came with the weights."""
    normalization = weights_normalization(tracked_path("weights", weights))
    if normalization is None:
        raise SightlineError(
            f"params.yaml: normalization: {weights} has no JSON beside it that tells any: use `dataset` or `network`"
        )
    return normalization


def dataset_normalization(pixels: np.ndarray, rows: np.ndarray) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation per channel, in units of [0, 1], over the pixels of the given rows.

    Parameters
    ----------
    pixels : ndarray of uint8 [N, H, W, channels]
    rows : ndarray of int [n]
        Training images, n at least 1.

    Returns
    -------
    mean, std : list of float
        std is at least 1 / 255, so that a constant channel can be divided by it.
    """
    sample = rows[evenly(len(rows), AT_MOST)]
    channels = pixels.shape[3]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(sample), AT_ONCE):
        values = pixels[sample[start : start + AT_ONCE]].reshape(-1, channels)
        counts += [np.bincount(channel, minlength=256) for channel in values.T]  # a tenth of the time of sums of floats
    levels = np.arange(256) / 255
    total = counts[0].sum()
    mean = counts @ levels / total
    variance = (counts * np.square(levels - mean[:, np.newaxis])).sum(axis=1) / total
    return mean.tolist(), np.sqrt(np.maximum(variance, (1 / 255) ** 2)).tolist()
