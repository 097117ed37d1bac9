"""What may be said at any time of the mean of bounded numbers, however often one has looked before.

Waudby-Smith and Ramdas, 2024, "Estimating means of bounded random variables by betting", Journal of the Royal
Statistical Society B 86(1): whoever bets that a mean is not m multiplies a stake, on average, by at most 1 with each
number if it is; so it ever reaches 1 / alpha with probability alpha at most (Ville's inequality), and those m against
which it has not are an interval that holds at all times together. The stake is divided among constant bets of many
sizes on either side (their section 4.4, and Robbins' mixtures), so that it depends on how often each number came, and
on no order.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

SIZES = np.geomspace(0.005, 0.95, 24)  # of a bet, as shares of the largest that cannot lose more than the stake
EDGE = 1e-6  # at -1 and 1 any bet against the mean is safe
TRIED = 81  # means from -1 to 1, before the ends are looked for
PRECISION = 1e-5


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

    def is_left(means: np.ndarray) -> np.ndarray:
        return log_stakes(values, counts, means) < np.log(1 / alpha)

    tried = np.union1d(np.linspace(-1, 1, TRIED), numbers.mean())  # against which no bet has won
    left = np.flatnonzero(is_left(tried))
    low, high = left[0], left[-1]
    return (
        _find_edge(is_left, tried[low - 1], tried[low]) if low else -1.0,
        _find_edge(is_left, tried[high + 1], tried[high]) if high + 1 < len(tried) else 1.0,
    )


def _find_edge(is_left: Callable, outside: float, inside: float) -> float:
    """Return a mean just outside of the interval's end, which lies between the two."""
    while abs(outside - inside) > PRECISION:
        middle = (outside + inside) / 2
        if is_left(np.array([middle]))[0]:
            inside = middle
        else:
            outside = middle
    return float(outside)
