"""Two models on the same test images: is the difference larger than chance?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from sightline.reporting.revision import StoredPredictions
from sightline.scoring.metrics.intervals import RESAMPLED, pick_turned
from sightline.scoring.metrics.sample import Sample, draw_doubtful, resample, turn_decisions

COMPARED = (*RESAMPLED, "ece")
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
    """Return the difference of each metric with its interval; both models get the same resamples.

    Resamples hold, besides the images that both models predicted, one image more that only the newer model decides
    rightly, and one that only the older does, as Bonett and Price add them to the counts (2012, "Adjusted Wald
    Confidence Interval for a Difference of Binomial Proportions Based on Paired Data"): else few images would make the
    interval too narrow, and equal decisions leave it no width. It is of percentiles; that of the calibration error,
    which each resample makes larger, lies around the difference. Arguments as in
    `sightline.scoring.metrics.intervals.metric_intervals`, n > 0; bins of the calibration error.
    """
    stream = np.random.default_rng(seed)
    labels, before, after, turned = add_turned(pair, stream)
    samples = [Sample(labels, probabilities, bins) for probabilities in (before, after)]
    once = (np.arange(len(labels)) < len(pair)).astype(float)[None]
    whole = [sample.measure(once) for sample in samples]
    draws = []
    for times in resample(len(pair), resamples, stream):
        added = [pick_turned(len(times), count, stream) * stream.poisson(size=(len(times), 1)) for count in turned]
        weights = np.concatenate([times, *added], axis=1)
        older, newer = (sample.measure(weights) for sample in samples)
        draws.append({name: newer[name] - older[name] for name in COMPARED})
    margins = (50 * (1 - confidence), 50 * (1 + confidence))
    differences = {}
    for name in COMPARED:
        drawn = np.concatenate([draw[name] for draw in draws])
        ends = np.percentile(drawn, margins)
        older, newer = (float(metrics[name][0]) for metrics in whole)
        if name == "ece":
            ends += newer - older - np.median(drawn)
        differences[name] = Difference(older, newer, float(ends[0]), float(ends[1]))
    return differences


def add_turned(pair: Pair, stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Return labels, before and after with doubtful images behind them: only right after, then only right before.

    They are images that both decide rightly, with the decision of one turned; the last value tells how many of each.
    """
    same = np.array_equal(pair.before, pair.after)  # of equal models no difference is possible
    right = np.logical_and(*pair.right()) & (not same)
    rows = [draw_doubtful(side, right, stream) for side in (pair.before, pair.after)]
    labels = np.concatenate([pair.labels, *(pair.labels[drawn] for drawn in rows)])
    lost_before = turn_decisions(pair.labels[rows[0]], pair.before[rows[0]])
    lost_after = turn_decisions(pair.labels[rows[1]], pair.after[rows[1]])
    before = np.concatenate([pair.before, lost_before, pair.before[rows[1]]])
    after = np.concatenate([pair.after, pair.after[rows[0]], lost_after])
    return labels, before, after, [len(drawn) for drawn in rows]
