"""What the other images say of an image's label: a logistic regression on features, fitted without it."""

import numpy as np

from sightline.common.rows import evenly
from sightline.networks.stack import PARTS, assign_parts
from sightline.training.recipe.probe import STRENGTHS, Features, fit_regression

MOST_FITTED = 20_000  # images a fit: more cost time and change no probability much


def predict_out_of_fold(data: Features, classes: int) -> np.ndarray:
    """Predict each image by a regression on the images of the other parts, which are stratified by label.

    The penalty is the one of `STRENGTHS` by which the images of the first part are predicted best, by cross-entropy;
    towards weaker ones the search ends where they get worse.

    Parameters
    ----------
    data : Features
        Two classes at least must have two images each.
    classes : int
        How many there are, whether or not all have images.

    Returns
    -------
    ndarray of float32 [n, classes]
    """
    parts = assign_parts(data.labels, None)
    strength = _choose_strength(data, parts, classes)
    probabilities = np.empty((len(data), classes), dtype=np.float32)
    for part in range(PARTS):
        held_out = parts == part
        probe = fit_regression(_thinned(data[~held_out]), strength, np.ones(classes))
        probabilities[held_out] = probe.probabilities(data[held_out])
    return probabilities


def _thinned(data: Features) -> Features:
    return data[evenly(len(data), MOST_FITTED)]


def _choose_strength(data: Features, parts: np.ndarray, classes: int) -> float:
    fitted, held_out = _thinned(data[parts != 0]), _thinned(data[parts == 0])
    best, least = STRENGTHS[0], np.inf
    for strength in STRENGTHS:
        loss = fit_regression(fitted, strength, np.ones(classes)).losses(held_out).sum()
        if loss >= least:
            break
        best, least = strength, loss
    return best
