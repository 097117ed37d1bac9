"""The predictions of one subset of images, as everything that judges them needs them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sightline.networks.calibration import Calibration
from sightline.scoring.metrics.ranking import Ranking, rank_classes

SUBSETS = ("val", "test")


@dataclass(frozen=True)
class Predictions:
    """Images with their labels and probabilities.

    Parameters
    ----------
    images : pandas.DataFrame
        One row an image: id, row (position in images.npy), label, fold.
    raw, calibrated : ndarray
        float32 [n, classes]: probabilities as the network gives them, and calibrated.
    """

    images: pd.DataFrame
    raw: np.ndarray
    calibrated: np.ndarray

    @cached_property
    def labels(self) -> np.ndarray:
        return self.images["label"].to_numpy()

    @cached_property
    def predicted(self) -> np.ndarray:
        return self.calibrated.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        return self.calibrated.max(axis=1)

    @cached_property
    def right(self) -> np.ndarray:
        return self.predicted == self.labels

    @cached_property
    def decided(self) -> pd.DataFrame:
        """Return the images with predicted and confidence."""
        return self.images.assign(predicted=self.predicted, confidence=self.confidence)

    @cached_property
    def ranking(self) -> Ranking:
        return rank_classes(self.labels, self.calibrated)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Calibrated:
    """What was fitted on validation, and what it makes of the scores.

    Parameters
    ----------
    calibration : Calibration
        Calibration and prediction sets.
    subsets : dict of str to Predictions
        val and test.
    probabilities : ndarray
        float32 [judged images, classes], of both subsets.
    """

    calibration: Calibration
    subsets: dict[str, Predictions]
    probabilities: np.ndarray


def part_by_subset(judged: pd.DataFrame, scores: np.ndarray, calibrated: np.ndarray) -> dict[str, Predictions]:
    """Part judged images, log-probabilities and calibrated probabilities [images, classes], into val and test."""
    subsets = {}
    for name in SUBSETS:
        inside = (judged["subset"] == name).to_numpy()
        images = judged[inside].reset_index(drop=True)
        subsets[name] = Predictions(images, np.exp(scores[inside]), calibrated[inside])
    return subsets
