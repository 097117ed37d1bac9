"""How far from calibrated is the network, surely? The calibration error without its bias, its interval, and a test."""

from dataclasses import dataclass

import numpy as np

from sightline.scoring.metrics.calibration_error import reliability_table
from sightline.scoring.metrics.intervals import wilson_interval

STRETCHES = np.linspace(0, 2, 21)  # of the measured gaps between confidence and accuracy


@dataclass(frozen=True)
class CalibrationTest:
    """The calibration error that explains the measured one best, in [low, high], and the p-value of none at all."""

    error: float
    low: float
    high: float
    p_value: float


def judge_calibration(
    labels: np.ndarray, probabilities: np.ndarray, bins: int, resamples: int, confidence: float, seed: int
) -> CalibrationTest:
    """Compare the measured calibration error with those of networks whose gaps are known.

    The measured error is too large, as chance makes gaps of its own: for a calibrated network it is never 0. So labels
    are drawn anew from the confidences (consistency resampling: Bröcker and Smith, 2007, "Increasing the Reliability
    of Reliability Diagrams"), and the share of such draws with an error as large as the measured one is the p-value of
    a calibrated network. The same is done for confidences moved by a part or a multiple of each bin's measured gap: the
    interval is of those errors under which the measured one is not extreme (a test turned round: Davison and
    Hinkley, 1997, "Bootstrap Methods and their Application", section 5.4), and the error that makes it the median is
    the estimate, which is 0 where the measured one is smaller than a calibrated network's usually is. Where mistakes
    are few, gaps that were not measured are possible: the high end is at least the largest distance between the mean
    confidence and Wilson's interval of the accuracy.

    Parameters
    ----------
    labels, probabilities : ndarray
        int [n], n > 0, and float [n, classes].
    bins, resamples : int
        Of the calibration error, of equal width; how many draws, > 0.
    confidence : float
        Of the interval, in (0, 1).
    seed : int
        Of the draws.
    """
    table = reliability_table(probabilities, labels, bins)
    images, means, gaps = (table[name].to_numpy() for name in ("count", "confidence", "accuracy"))
    gaps = gaps - means
    measured = _error(images, gaps)
    stream = np.random.default_rng(seed)
    errors = np.empty(len(STRETCHES))
    above = np.empty(len(STRETCHES))
    below = np.empty(len(STRETCHES))
    for number, stretch in enumerate(STRETCHES):
        truth = np.clip(means + stretch * gaps, 0, 1)
        found = _error(images, stream.binomial(images, truth, (resamples, len(images))) / images - means)
        errors[number] = _error(images, truth - means)
        above[number] = (1 + (found >= measured - 1e-12).sum()) / (1 + resamples)
        below[number] = (1 + (found <= measured + 1e-12).sum()) / (1 + resamples)
    tail = (1 - confidence) / 2
    low, error = (_first(errors, np.maximum.accumulate(above), level) for level in (tail, 0.5))
    high = _first(errors, -np.minimum.accumulate(below), -tail)
    accuracy = wilson_interval((images * (means + gaps)).sum(), images.sum(), confidence)
    farthest = np.abs((images * means).sum() / images.sum() - accuracy).max()
    return CalibrationTest(float(error), float(low), float(max(high, farthest, error)), float(above[0]))


def _error(images: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Return the calibration error of bins with so many images [bins] and gaps [..., bins]."""
    return np.abs(gaps) @ images / images.sum()


def _first(errors: np.ndarray, rising: np.ndarray, level: float) -> float:
    """Return the error at which a rising curve over errors reaches the level; an end where it lies beyond."""
    place = int(np.searchsorted(rising, level))
    if place in {0, len(errors)}:
        return errors[min(place, len(errors) - 1)]
    return np.interp(level, rising[place - 1 : place + 1], errors[place - 1 : place + 1])
