"""Training images, of which the networks know the labels, predicted by others: a regression on what a network sees."""

import sys
import time

import numpy as np
import pandas as pd

from sightline.common.rows import evenly
from sightline.networks.decider import ViewAverage
from sightline.scoring.embeddings import EmbeddingSample, watch
from sightline.scoring.predict import Predict
from sightline.training.recipe.noise.out_of_fold import predict_out_of_fold
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
        there are no two classes of two images each.
    """
    training = samples[samples["subset"] == "train"]
    chosen = training.iloc[evenly(len(training), most)].reset_index(drop=True)
    rows = chosen["row"].to_numpy()
    seen = EmbeddingSample(rows)
    watch(predict, view, rows, seen)(view, rows=rows)
    if not seen.rows or (chosen["label"].value_counts() > 1).sum() < 2:
        return chosen.head(0), np.empty((0, classes), dtype=np.float32)
    begin = time.process_time()
    vectors = seen.vectors()
    probabilities = predict_out_of_fold(Features(vectors, chosen["label"].to_numpy()), classes)
    seconds = time.process_time() - begin
    print(
        f"evaluate: labels of {len(chosen):,} training images doubted by regressions on {vectors.shape[1]} features, "
        f"in {seconds:.1f} s of processor time (evaluate.label_images)",
        file=sys.stderr,
    )
    return chosen, probabilities
