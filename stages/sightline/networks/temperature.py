"""Temperature scaling: the one number under which a network is as sure as it is right."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from sightline.common.rows import row_blocks

LOG_TEMPERATURES = (np.log(0.02), np.log(50.0))  # where the temperature is looked for


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature under which the labels are most likely.

    Guo et al., 2017, "On Calibration of Modern Neural Networks". The negative log-likelihood of softmax(scores / T)
    is minimised together with log(T)^2 / 2, a standard normal prior on log T that weighs as little as one image.
    Without it, validation images that are all right would ask for T = 0, and then one mistake on test costs an
    infinite log loss.

    Parameters
    ----------
    scores : ndarray
        float [n, classes], n > 0: finite logits or log-probabilities.
    labels : ndarray
        int [n] in [0, classes).

    Returns
    -------
    float
        In [0.02, 50]; the mean log loss at T is never above the one at 1.
    """
    own = scores[np.arange(len(labels)), labels].astype(np.float64)

    def cost(log_temperature: float) -> float:
        colder = 1 / np.exp(log_temperature)
        sums = [logsumexp(scores[rows].astype(np.float64) * colder, axis=1).sum() for rows in row_blocks(*scores.shape)]
        return sum(sums) - own.sum() * colder + log_temperature**2 / 2

    best = minimize_scalar(cost, bounds=LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(best.x)) if best.fun < cost(0.0) else 1.0
