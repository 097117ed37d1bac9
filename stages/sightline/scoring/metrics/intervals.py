"""How far a metric may be from that of all such images: Wilson's interval of a share, and resamples that follow it."""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from sightline.scoring.metrics.sample import Sample, draw_doubtful, resample, turn_decisions

PICKS = 5  # turned images of a kind in each resample, which together count as one
RESAMPLED = ("accuracy", "balanced_accuracy", "f1_macro", "matthews_corrcoef", "log_loss", "brier")


def metric_intervals(
    labels: np.ndarray, probabilities: np.ndarray, resamples: int, confidence: float, seed: int
) -> dict[str, dict[str, float]]:
    """Return the interval of each metric of `RESAMPLED`: of the accuracy Wilson's, of the others a bootstrap's.

    A bootstrap that only draws the tested images has no width where all of them are right, and covers too little where
    mistakes are few. Here each resample first draws an accuracy, from the distribution whose quantiles are the ends of
    Wilson's intervals; then images, and some more of each kind with their decision turned, which together count as one;
    right and wrong images are weighted to that accuracy. The percentiles of the metrics are the ends. A simulation in
    the tests holds that this covers.

    Parameters
    ----------
    labels : ndarray
        int [n], n > 0.
    probabilities : ndarray
        float [n, classes].
    resamples : int
        How many, > 0.
    confidence : float
        In (0, 1), such as 0.95.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        Metric to its `low` and `high`. The Matthews correlation is left out where all images are of one class.
    """
    stream = np.random.default_rng(seed)
    right = probabilities.argmax(axis=1) == labels
    turned = [draw_doubtful(probabilities, eligible, stream) for eligible in (right, ~right)]
    rows = np.concatenate(turned)
    sample = Sample(
        np.r_[labels, labels[rows]], np.r_[probabilities, turn_decisions(labels[rows], probabilities[rows])], bins=1
    )
    draws = draw_weights(right, [len(of_kind) for of_kind in turned], resamples, stream)
    blocks = [sample.measure(weights) for weights in draws]
    margins = 50 * (1 - confidence), 50 * (1 + confidence)
    names = [name for name in RESAMPLED if name != "matthews_corrcoef" or len(np.unique(labels)) > 1]
    ends = {name: np.percentile(np.concatenate([block[name] for block in blocks]), margins) for name in names}
    ends["accuracy"] = wilson_interval(right.sum(), len(right), confidence)
    return {name: {"low": float(low), "high": float(high)} for name, (low, high) in ends.items()}


def draw_weights(
    right: np.ndarray, turned: list[int], resamples: int, stream: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield how much each image counts, float [some resamples, n + turned images], 1 in all.

    Parameters
    ----------
    right : ndarray
        bool [n].
    turned : list of int
        How many images behind the n are wrong since a right decision was turned, and how many the other way round.
    """
    images = len(right)
    accuracies = wilson_limit(right.mean(), images, ndtri((stream.permutation(resamples) + 0.5) / resamples))
    is_right = np.r_[right, np.zeros(turned[0], dtype=bool), np.ones(turned[1], dtype=bool)]
    done = 0
    for times in resample(images, resamples, stream):
        added = [pick_turned(len(times), length, stream) for length in turned]
        weights = np.concatenate([times, *added], axis=1)
        accuracy = accuracies[done : done + len(times)]
        for kind, share in ((is_right, accuracy), (~is_right, 1 - accuracy)):
            weights[:, kind] *= (share / np.maximum(weights[:, kind].sum(axis=1), 1e-9))[:, None]
        done += len(times)
        yield weights


def pick_turned(resamples: int, images: int, stream: np.random.Generator) -> np.ndarray:
    """Return how much each of the turned images counts, float [resamples, images], 1 in all of a resample."""
    if images == 0:
        return np.zeros((resamples, 0))
    codes = stream.integers(0, images, (resamples, PICKS)) + np.arange(resamples)[:, None] * images
    return np.bincount(codes.ravel(), minlength=resamples * images).reshape(resamples, images) / PICKS


def wilson_interval(right: np.ndarray, images: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the score interval of a share, which also few images and a share of 1 leave its width.

    Wilson, 1927, "Probable Inference, the Law of Succession, and Statistical Inference"; images > 0.
    """
    score = ndtri((1 + confidence) / 2)  # scipy.stats would take half a second to import
    return wilson_limit(right / images, images, -score), wilson_limit(right / images, images, score)


def wilson_limit(share: np.ndarray, images: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the lower (score < 0) or upper limit that lies `score` standard normal deviations from the share."""
    weight = score**2 / images
    middle = (share + weight / 2) / (1 + weight)
    away = score * np.sqrt(share * (1 - share) / images + weight / images / 4) / (1 + weight)
    return np.clip(middle + away, 0, 1)
