"""What may be said at any time of the mean of bounded numbers, however often one has looked before.

Waudby-Smith and Ramdas, 2024, "Estimating means of bounded random variables by betting", Journal of the Royal
Statistical Society B 86(1): whoever bets that a mean is not m multiplies a stake, on average, by at most 1 with each
number if it is; so it ever reaches 1 / alpha with probability alpha at most (Ville's inequality), and those m against
which it has not are an interval that holds at all times together. The stake is divided among constant bets of many
sizes on either side (their section 4.4, and Robbins' mixtures), so that it depends on how often each number came, and
on no order.
"""

import numpy as np
from scipy.special import logsumexp

SIZES = np.geomspace(0.005, 0.95, 24)  # of a bet, as shares of the largest that cannot lose more than the stake
EDGE = 1e-6  # at -1 and 1 any bet against the mean is safe
STEPS = 4000  # of the means that are tried, from -1 to 1


def log_stakes(values: np.ndarray, counts: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the logarithm of what a stake of 1 has become that was bet against each mean.

    Parameters
    ----------
    values : ndarray
        float [v], from -1 to 1: the numbers that came.
    counts : ndarray
        int [..., v]: how often each.
    means : ndarray
        float [m], from -1 to 1.

    Returns
    -------
    ndarray of float [..., m]
    """
    up = SIZES / np.maximum(1 + means[:, None], EDGE)
    down = -SIZES / np.maximum(1 - means[:, None], EDGE)
    bets = np.concatenate([up, down], axis=1)
    factors = np.log1p(bets[:, :, None] * (values - means[:, None, None]).reshape(len(means), 1, -1))
    return logsumexp(np.tensordot(counts, factors, axes=(-1, -1)), axis=-1) - np.log(bets.shape[1])


def mean_interval(numbers: np.ndarray, alpha: float) -> tuple[float, float]:
    """Return the least and the greatest mean that numbers from -1 to 1 do not speak against; all without a number.

    Parameters
    ----------
    numbers : ndarray
        float [n].
    alpha : float
        Probability with which the interval is ever wrong, at most.
    """
    if not len(numbers):
        return -1.0, 1.0
    values, counts = np.unique(np.round(numbers, 9), return_counts=True)
    means = np.linspace(-1, 1, STEPS + 1)
    left = np.flatnonzero(log_stakes(values, counts, means) < np.log(1 / alpha))
    if not len(left):  # narrower than a step
        left = np.array([np.abs(means - numbers.mean()).argmin()])
    widened = np.clip([left[0] - 1, left[-1] + 1], 0, STEPS)  # the true end lies within a step
    return float(means[widened[0]]), float(means[widened[1]])
