"""The predictions of one subset of images, as everything that judges them needs them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sightline.scoring.metrics.ranking import Ranking, rank_classes

SUBSETS = ("val", "test")


@dataclass(frozen=True)
class Scored:
    """Images with their labels and probabilities.

    Parameters
    ----------
    images : pandas.DataFrame
        One row an image: id, row (position in images.npy), label, fold.
    before, after : ndarray
        float32 [n, classes]: probabilities as the network gives them, and calibrated.
    """

    images: pd.DataFrame
    before: np.ndarray
    after: np.ndarray

    @cached_property
    def labels(self) -> np.ndarray:
        return self.images["label"].to_numpy()

    @cached_property
    def predicted(self) -> np.ndarray:
        return self.after.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        return self.after.max(axis=1)

    @cached_property
    def right(self) -> np.ndarray:
        return self.predicted == self.labels

    @cached_property
    def decided(self) -> pd.DataFrame:
        """Return the images with predicted and confidence."""
        return self.images.assign(predicted=self.predicted, confidence=self.confidence)

    @cached_property
    def ranking(self) -> Ranking | None:
        return rank_classes(self.labels, self.after) if len(self.images) else None

    def __len__(self) -> int:
        return len(self.images)


def part_by_subset(judged: pd.DataFrame, scores: np.ndarray, after: np.ndarray) -> dict[str, Scored]:
    """Part judged images, log-probabilities and calibrated probabilities [images, classes], into val and test."""
    parts = {}
    for subset in SUBSETS:
        chosen = (judged["subset"] == subset).to_numpy()
        parts[subset] = Scored(judged[chosen].reset_index(drop=True), np.exp(scores[chosen]), after[chosen])
    return parts
