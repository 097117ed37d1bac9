"""Metrics of many resamples at once, from how often each image was drawn; and images as if they were decided otherwise.

Where few images are tested, mistakes are rare or have not happened yet, and resampling what happened cannot show them.
So resamples also draw images whose decision is turned: right ones get the second class, wrong ones the right class.
"""

from collections.abc import Iterator

import numpy as np

from sightline.common.rows import row_blocks
from sightline.scoring.metrics.calibration_error import equal_width
from sightline.scoring.metrics.decisions import decision_metrics
from sightline.scoring.metrics.measure import brier_scores, log_losses

TURNED = 200  # images whose decision is turned, of which each resample takes some


class Sample:
    """What of each image the metrics of a resample are made from.

    labels int [n], probabilities float [n, classes]; bins of the calibration error.
    """

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
        """Return each metric, float [resamples], of images that count `times` [resamples, n], a number >= 0 each."""
        total = times.sum(axis=1)
        counts = self.by_label.sums(times * self.right), self.by_predicted.sums(times), self.by_label.sums(times)
        metrics = decision_metrics(*counts)
        metrics |= {name: times @ losses / total for name, losses in self.losses.items()}
        return metrics | {"ece": np.abs(self.by_bin.sums(times * self.gap)).sum(axis=1) / total}


def resample(images: int, resamples: int, stream: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield how often each image is drawn, as many as there are, with replacement: int [some resamples, images].

    Efron and Tibshirani, 1993, "An Introduction to the Bootstrap". Classes do not keep their number of images: of a
    class with five images a stratified resample would show only four fifths of the variance.
    """
    for rows in row_blocks(resamples, images):
        count = min(rows.stop, resamples) - rows.start
        drawn = stream.integers(0, images, (count, images)) + np.arange(count)[:, None] * images
        yield np.bincount(drawn.ravel(), minlength=count * images).reshape(count, images)


def draw_doubtful(probabilities: np.ndarray, eligible: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Return 200 of the images that are eligible, bool [n], the less sure ones more often: int; none where none is."""
    rows = np.flatnonzero(eligible)
    doubt = 1 - probabilities[rows].max(axis=1).astype(np.float64) + 1e-9
    return stream.choice(rows, size=TURNED, p=doubt / doubt.sum()) if len(rows) else rows


def turn_decisions(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities in which the largest changes places with the label's, or where that is it, with the second.

    labels int [n], probabilities float [n, classes], 2 classes or more.
    """
    turned = probabilities.copy()
    rows = np.arange(len(labels))
    top = probabilities.argmax(axis=1)
    turned[rows, top] = -1
    other = np.where(top == labels, turned.argmax(axis=1), labels)
    turned[rows, top] = probabilities[rows, other]
    turned[rows, other] = probabilities[rows, top]
    return turned


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
