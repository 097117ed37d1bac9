"""How far a batch is from the reference, and whether chance explains it."""

from collections.abc import Callable

import numpy as np


def compare_values(reference: np.ndarray, batch: np.ndarray) -> tuple[float, float]:
    """Return the two-sample Kolmogorov-Smirnov statistic of float [n] and [m], in [0, 1], and its p-value."""
    from scipy.stats import ks_2samp  # half a second

    test = ks_2samp(reference, batch)
    return float(test.statistic), float(test.pvalue)


def standardized_shift(reference: np.ndarray, batch: np.ndarray) -> float | None:
    """Return the difference of the means, batch minus reference, in units of the mean of the two deviations.

    Cohen, 1988, "Statistical Power Analysis for the Behavioral Sciences", section 2.3: the root of the mean variance.
    None where both are constant and differ, which is infinitely far.
    """
    shift = batch.mean() - reference.mean()
    spread = np.sqrt((batch.var(ddof=1) + reference.var(ddof=1)) / 2)
    if shift == 0:
        return 0.0
    return float(shift / spread) if spread > 0 else None


def frechet_distance(reference: np.ndarray, batch: np.ndarray) -> float:
    """Return the distance of two normal distributions with the means and covariances of float [n, d] and [m, d].

    Dowson and Landau, 1982, "The Frechet distance between multivariate normal distributions", as used by Heusel et al.,
    2017, for images: |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)), not its root; n and m > 1.
    """
    first, second = (np.atleast_2d(np.cov(places, rowvar=False)) for places in (reference, batch))
    # the eigenvalues of a product of two covariances are real and not negative, but for rounding
    roots = np.sqrt(np.clip(np.linalg.eigvals(first @ second).real, 0, None)).sum()
    apart = ((reference.mean(axis=0) - batch.mean(axis=0)) ** 2).sum()
    return float(max(0.0, apart + np.trace(first) + np.trace(second) - 2 * roots))


def permute(
    measure: Callable[[np.ndarray, np.ndarray], float],
    reference: np.ndarray,
    batch: np.ndarray,
    times: int,
    stream: np.random.Generator,
) -> np.ndarray:
    """Return the measure, float [times], of random parts of all images [n + m, d], as large as reference and batch."""
    pool = np.concatenate([reference, batch])
    distances = np.empty(times)
    for number in range(times):
        order = stream.permutation(len(pool))
        distances[number] = measure(pool[order[: len(reference)]], pool[order[len(reference) :]])
    return distances


def total_variation(reference: np.ndarray, batch: np.ndarray) -> float:
    """Return the share of images that would have to change class, in [0, 1]; counts int [classes] of n and m images."""
    return float(np.abs(reference / reference.sum() - batch / batch.sum()).sum() / 2)


def farthest_share(reference: np.ndarray, batch: np.ndarray) -> float:
    """Return how far the share of the one class that moved most did, in standard errors of two equal shares.

    One class of many that vanishes moves this, and hardly the total variation; counts int [classes], n and m images.
    """
    images, others = reference.sum(), batch.sum()
    both = (reference + batch) / (images + others)
    error = np.sqrt(both * (1 - both) * (1 / images + 1 / others))
    apart = np.abs(reference / images - batch / others)
    return float(np.divide(apart, error, out=np.zeros_like(apart), where=error > 0).max())


def redraw_shares(
    measure: Callable[[np.ndarray, np.ndarray], float],
    reference: np.ndarray,
    batch: np.ndarray,
    times: int,
    stream: np.random.Generator,
) -> np.ndarray:
    """Return the measure, float [times], of the classes of random parts of all images, as large as both are."""
    both = reference + batch
    distances = np.empty(times)
    for number in range(times):
        drawn = stream.multivariate_hypergeometric(both, int(batch.sum()), method="marginals")
        distances[number] = measure(both - drawn, drawn)
    return distances


def share_as_far(value: float, by_chance: np.ndarray) -> float:
    """Return the p-value of a permutation test, which counts the value itself among those by chance.

    Phipson and Smyth, 2010, "Permutation p-values should never be zero".
    """
    return float((1 + (by_chance >= value * (1 - 1e-9)).sum()) / (1 + len(by_chance)))


def correct(p_values: np.ndarray) -> np.ndarray:
    """Return p-values such that calling those below alpha drift errs at most once in 1 / alpha batches without any.

    Holm, 1979, "A Simple Sequentially Rejective Multiple Test Procedure", which holds however the tests depend on each
    other.
    """
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    corrected = np.empty(count)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * (count - np.arange(count))))
    return corrected
