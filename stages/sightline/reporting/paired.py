"""Two models on the same test images: is the difference larger than chance?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from sightline.reporting.revision import StoredPredictions
from sightline.scoring.metrics.intervals import HEADLINES, Sample, resample

BETTER_WHEN_LOWER = ("log_loss", "brier", "ece")


@dataclass(frozen=True)
class Pair:
    """Test images that both revisions predicted.

    Parameters
    ----------
    images : pandas.DataFrame
        id, label, and row: position in the newer revision's images.npy.
    before, after : ndarray
        float32 [n, classes].
    unmatched : int
        Test images of either revision that the other lacks, or labels otherwise.
    """

    images: pd.DataFrame
    before: np.ndarray
    after: np.ndarray
    unmatched: int

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> np.ndarray:
        return self.images["label"].to_numpy()

    def right(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which images were right before, and which are after, bool [n]."""
        return self.before.argmax(axis=1) == self.labels, self.after.argmax(axis=1) == self.labels


@dataclass(frozen=True)
class Difference:
    """A metric before and after, the interval of after - before, and whether chance explains it."""

    before: float
    after: float
    low: float
    high: float

    @property
    def is_noise(self) -> bool:
        return self.low <= 0 <= self.high


def pair_up(before: StoredPredictions, after: StoredPredictions) -> Pair:
    """Match the test images of two revisions by id and label; both have the same classes."""
    tables = [side.table.assign(place=np.arange(len(side.table))) for side in (before, after)]
    tests = [table[table["subset"] == "test"] for table in tables]
    both = tests[0].merge(tests[1], on=["id", "label"], suffixes=("_before", "_after"), validate="one_to_one")
    images = both[["id", "label", "row_after"]].rename(columns={"row_after": "row"})
    unmatched = len(tests[0]) + len(tests[1]) - 2 * len(both)
    return Pair(
        images,
        before.probabilities[both["place_before"].to_numpy()],
        after.probabilities[both["place_after"].to_numpy()],
        unmatched,
    )


def mcnemar(right_before: np.ndarray, right_after: np.ndarray) -> float:
    """Return the exact two-sided p-value that as many images became right as wrong by chance; 1 where none changed.

    McNemar, 1947, "Note on the sampling error of the difference between correlated proportions or percentages".
    """
    won = int((right_after & ~right_before).sum())
    lost = int((right_before & ~right_after).sum())
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def bootstrap_differences(pair: Pair, bins: int, resamples: int, confidence: float, seed: int) -> dict[str, Difference]:
    """Return the difference of each headline metric with its percentile interval; both models get the same resamples.

    Efron and Tibshirani, 1993, "An Introduction to the Bootstrap". Stratified by class; arguments as in
    `sightline.scoring.metrics.intervals.bootstrap_intervals`, n > 0.
    """
    samples = [Sample(pair.labels, probabilities, bins) for probabilities in (pair.before, pair.after)]
    whole = [sample.measure(np.ones((1, len(pair)), dtype=int)) for sample in samples]
    draws = [
        {name: after[name] - before[name] for name in before}
        for times in resample(pair.labels, resamples, seed)
        for before, after in [[sample.measure(times) for sample in samples]]
    ]
    margins = (50 * (1 - confidence), 50 * (1 + confidence))
    differences = {}
    for name in (name for name in HEADLINES if name in whole[0]):
        low, high = np.percentile(np.concatenate([draw[name] for draw in draws]), margins)
        differences[name] = Difference(float(whole[0][name][0]), float(whole[1][name][0]), float(low), float(high))
    return differences
