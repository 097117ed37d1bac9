"""How far a metric may be from that of all such images: stratified bootstrap, and Wilson's interval of a share."""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from sightline.common.rows import row_blocks
from sightline.scoring.metrics.calibration_error import equal_width
from sightline.scoring.metrics.decisions import decision_metrics
from sightline.scoring.metrics.measure import brier_scores, log_losses

HEADLINES = ("accuracy", "balanced_accuracy", "f1_macro", "matthews_corrcoef", "log_loss", "brier", "ece")


def bootstrap_intervals(
    labels: np.ndarray, probabilities: np.ndarray, bins: int, resamples: int, confidence: float, seed: int
) -> dict[str, dict[str, float]]:
    """Return the percentile interval of each headline metric over stratified resamples of the images.

    Efron and Tibshirani, 1993, "An Introduction to the Bootstrap", chapters 13 and 16. Each resample draws, for every
    class, as many of its images as it has, with replacement. All metrics are computed from how often each image was
    drawn, for many resamples at once.

    Parameters
    ----------
    labels : ndarray
        int [n], n > 0.
    probabilities : ndarray
        float [n, classes].
    bins : int
        Of the calibration error.
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
    sample = Sample(labels, probabilities, bins)
    blocks = [sample.measure(times) for times in resample(labels, resamples, seed)]
    margins = 50 * (1 - confidence), 50 * (1 + confidence)
    names = [name for name in HEADLINES if name != "matthews_corrcoef" or len(np.unique(labels)) > 1]
    ends = {name: np.percentile(np.concatenate([block[name] for block in blocks]), margins) for name in names}
    return {name: {"low": float(low), "high": float(high)} for name, (low, high) in ends.items()}


def resample(labels: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each image is drawn, int [some resamples, n]; each class keeps its number of images."""
    order = np.argsort(labels, kind="stable")
    _, first, inverse, size = np.unique(labels[order], return_index=True, return_inverse=True, return_counts=True)
    stream = np.random.default_rng(seed)
    images = len(labels)
    for rows in row_blocks(resamples, images):
        count = min(rows.stop, resamples) - rows.start
        drawn = order[first[inverse] + (stream.random((count, images)) * size[inverse]).astype(int)]
        drawn += np.arange(count)[:, None] * images
        yield np.bincount(drawn.ravel(), minlength=count * images).reshape(count, images)


def wilson_interval(right: np.ndarray, images: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the score interval of a share, which also few images and a share of 1 leave its width.

    Wilson, 1927, "Probable Inference, the Law of Succession, and Statistical Inference"; images > 0.
    """
    score = ndtri((1 + confidence) / 2)  # scipy.stats would take half a second to import
    share = right / images
    weight = score**2 / images
    middle = (share + weight / 2) / (1 + weight)
    half = score * np.sqrt(share * (1 - share) / images + weight / images / 4) / (1 + weight)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


class Sample:
    """What of each image the metrics of a resample are made from."""

    def __init__(self, labels: np.ndarray, probabilities: np.ndarray, bins: int):
        predicted = probabilities.argmax(axis=1)
        confidence = probabilities.max(axis=1).astype(np.float64)
        self.right = predicted == labels
        self.classes = probabilities.shape[1]
        self.by_label = _Groups(labels, self.classes)
        self.by_predicted = _Groups(predicted, self.classes)
        self.by_bin = _Groups(equal_width(confidence, bins) - 1, bins)
        self.gap = confidence - self.right
        self.losses = {"log_loss": log_losses(labels, probabilities), "brier": brier_scores(labels, probabilities)}

    def measure(self, times: np.ndarray) -> dict[str, np.ndarray]:
        """Return each headline metric, float [resamples], of images drawn `times` int [resamples, n]."""
        counts = self.by_label.sums(times * self.right), self.by_predicted.sums(times), self.by_label.sums(times)
        metrics = decision_metrics(*counts)
        metrics |= {name: (times * losses).mean(axis=1) for name, losses in self.losses.items()}
        return metrics | {"ece": np.abs(self.by_bin.sums(times * self.gap)).sum(axis=1) / times.shape[1]}


class _Groups:
    """Sums over the images of each group, of numbers [resamples, images]; groups are numbered from 0."""

    def __init__(self, groups: np.ndarray, count: int):
        self.order = np.argsort(groups, kind="stable")
        self.present, self.starts = np.unique(groups[self.order], return_index=True)
        self.count = count

    def sums(self, numbers: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(numbers), self.count), dtype=numbers.dtype)
        sums[:, self.present] = np.add.reduceat(numbers[:, self.order], self.starts, axis=1)
        return sums
