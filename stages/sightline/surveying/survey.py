"""All that is known of a prepared source before training, from its files to a handful of tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sightline.images.store import DatasetSpec
from sightline.surveying.groups import Groups, count_groups
from sightline.surveying.numbers import measure_images, tabulate_classes
from sightline.surveying.outliers import find_outliers
from sightline.surveying.twins import find_twins


@dataclass(frozen=True)
class Survey:
    """What was found.

    Parameters
    ----------
    counts : pandas.Series
        Images of each class, by name.
    numbers : pandas.DataFrame
        Of the images that were measured (`measure_images`).
    by_class : pandas.DataFrame
        Medians of these by class.
    outliers, twins : pandas.DataFrame
        Images far from the others, and pairs across classes.
    groups : Groups or None
    """

    dataset: DatasetSpec
    counts: pd.Series
    numbers: pd.DataFrame
    by_class: pd.DataFrame
    outliers: pd.DataFrame
    twins: pd.DataFrame
    groups: Groups | None

    @property
    def images(self) -> int:
        """How many images there are, of which maybe not all were measured."""
        return int(self.counts.sum())


def survey_images(dataset: DatasetSpec, index: pd.DataFrame, pixels: np.ndarray, near_bits: int) -> Survey:
    """Look at all images, uint8 [N, H, W, C], and at the index's row of each."""
    labels = index["label"].to_numpy()
    numbers = measure_images(index, pixels)
    counts = pd.Series(np.bincount(labels, minlength=len(dataset.classes)), index=dataset.classes)
    by_class = tabulate_classes(numbers, labels[numbers.index], dataset.classes)
    twins = find_twins(index["phash"].to_numpy(), labels, near_bits)
    return Survey(
        dataset, counts, numbers, by_class, find_outliers(numbers), twins, count_groups(index, dataset.classes)
    )
