"""Training images, of which the networks know the labels, predicted by others: a regression on what a network sees."""

import numpy as np
import pandas as pd

from sightline.common.rows import evenly
from sightline.networks.decider import ViewAverage
from sightline.scoring.diagnosis.out_of_fold import predict_out_of_fold
from sightline.scoring.embeddings import EmbeddingSample, watch
from sightline.scoring.predict import Predict
from sightline.training.recipe.probe import Features


def judge_training(
    samples: pd.DataFrame, view: ViewAverage, predict: Predict, classes: int, most: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Predict training images out of fold, at the price of a pass over them and of some regressions.

    Parameters
    ----------
    samples : pandas.DataFrame
        All images that take part.
    view : ViewAverage
        The member whose features are taken.
    predict : callable
        What runs it over rows of images.npy.
    classes : int
    most : int
        Training images, evenly chosen, that are looked at.

    Returns
    -------
    pandas.DataFrame, ndarray
        The rows of the images, in order, and float32 [images, classes]; none where the network offers no features, or
        the labels are of one class.
    """
    training = samples[samples["subset"] == "train"]
    chosen = training.iloc[evenly(len(training), most)].reset_index(drop=True)
    rows = chosen["row"].to_numpy()
    seen = EmbeddingSample(rows)
    watch(predict, view, rows, seen)(view, rows=rows)
    if not seen.rows or chosen["label"].nunique() < 2:
        return chosen.head(0), np.empty((0, classes), dtype=np.float32)
    return chosen, predict_out_of_fold(Features(seen.vectors(), chosen["label"].to_numpy()), classes)
