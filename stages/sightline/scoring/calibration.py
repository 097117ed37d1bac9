"""Do the probabilities mean what they say? The calibration error, its table, and temperature scaling."""

from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from sightline.common.params import StrictModel

LOG_TEMPERATURES = (np.log(0.02), np.log(50.0))  # where the temperature is looked for


class Calibration(StrictModel):
    """The content of models/calibration.json: probabilities are softmax(scores / temperature)."""

    method: Literal["none", "temperature"]
    temperature: float
    images: int
    note: str | None


def calibrate(method: str, scores: np.ndarray, labels: np.ndarray) -> Calibration:
    """Fit the chosen method on validation images: scores float [n, classes], labels int [n].

    Without images there is nothing to fit on; the probabilities then stay as the network gives them, with a note.
    """
    if method == "none":
        return Calibration(method="none", temperature=1.0, images=0, note=None)
    if len(labels) == 0:
        note = "no validation images to fit the temperature on: the probabilities are not calibrated"
        return Calibration(method="none", temperature=1.0, images=0, note=note)
    temperature = fit_temperature(scores, labels)
    return Calibration(method="temperature", temperature=temperature, images=len(labels), note=None)


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature under which the labels are most likely.

    Guo et al., 2017, "On Calibration of Modern Neural Networks". The negative log-likelihood of softmax(scores / T)
    is minimised together with log(T)^2 / 2, a standard normal prior on log T that weighs as little as one image.
    Without it, validation images that are all right would ask for T = 0, and then one mistake on test costs an
    infinite log loss.

    Parameters
    ----------
    scores : ndarray
        float [n, classes], n > 0: finite logits or log-probabilities.
    labels : ndarray
        int [n] in [0, classes).

    Returns
    -------
    float
        In [0.02, 50]; the mean log loss at T is never above the one at 1.
    """
    scores = scores.astype(np.float64)
    rows = np.arange(len(labels))

    def cost(log_temperature: float) -> float:
        log_probabilities = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -log_probabilities[rows, labels].sum() + log_temperature**2 / 2

    found = minimize_scalar(cost, bounds=LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if found.fun < cost(0.0) else 1.0


def reliability_table(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> pd.DataFrame:
    """Compare how sure the network is with how often it is right, in equal-width bins of confidence.

    Parameters
    ----------
    probabilities : ndarray
        float [n, classes]; the confidence of an image is its largest one.
    labels : ndarray
        int [n] in [0, classes).
    bins : int
        Bin m of M holds the confidences in ((m - 1) / M, m / M].

    Returns
    -------
    pandas.DataFrame
        One row a bin that is not empty: bin (its number, from 1), confidence and accuracy (means in [0, 1]), count.
    """
    if len(labels) == 0:
        return pd.DataFrame({"bin": [], "confidence": [], "accuracy": [], "count": []})
    confidence = probabilities.max(axis=1).astype(np.float64)
    number = np.clip(np.ceil(confidence * bins), 1, bins).astype(int)
    right = probabilities.argmax(axis=1) == labels
    table = pd.DataFrame({"bin": number, "confidence": confidence, "accuracy": right.astype(np.float64)})
    grouped = table.groupby("bin")
    return grouped.mean().assign(count=grouped.size()).reset_index()


def expected_calibration_error(table: pd.DataFrame) -> float:
    """Return the mean distance between confidence and accuracy over the bins, weighted by their images.

    Naeini et al., 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; takes the rows of
    `reliability_table`, at least one.
    """
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["count"]).sum() / table["count"].sum())
