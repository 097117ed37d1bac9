"""Fit, on validation images alone, what makes probabilities mean what they say."""

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from sightline.common.rows import row_blocks
from sightline.networks.calibration import LEAST, Calibration, IsotonicCurve, build_calibrator
from sightline.networks.temperature import fit_temperature

IMAGES_A_CLASS = 20  # on average; with fewer, which of two methods is better on left-out images is chance
PARTS = 5


def calibrate(method: str, scores: np.ndarray, labels: np.ndarray) -> tuple[Calibration, np.ndarray]:
    """Fit the chosen method on validation images: log-probabilities float [n, classes], labels int [n].

    Without images there is nothing to fit on; the probabilities then stay as the network gives them, with a note. Where
    they are too few for isotonic calibration, it gives way to the temperature, with a note.

    Returns
    -------
    Calibration
        What was fitted.
    ndarray
        Probabilities of the same images by what was fitted on the others, as `calibrate_left_out` gives them.
    """
    note = None
    if method != "none" and len(labels) == 0:
        note = f"no validation images to fit {method} on: the probabilities are not calibrated"
        method = "none"
    left_out = calibrate_left_out(method, scores, labels)
    if method == "isotonic":
        by_number = calibrate_left_out("temperature", scores, labels)
        reason = why_not_isotonic(left_out, by_number, labels)
        if reason:
            note = f"{reason}: temperature was used in place of isotonic"
            method = "temperature"
            left_out = by_number
    return fit(method, scores, labels, note), left_out


def why_not_isotonic(by_curves: np.ndarray, by_number: np.ndarray, labels: np.ndarray) -> str:
    """Return why isotonic calibration would do harm; empty where it does better than a temperature.

    A curve a class has many freedoms: from few images it learns their accidents, and says nearly 0 of what it did not
    see. So it must show on images left out in turn that it knows more than the one number.

    Parameters
    ----------
    by_curves, by_number : ndarray
        What `calibrate_left_out` gives for isotonic and for temperature.
    labels : ndarray of int [n]
    """
    classes = by_curves.shape[1]
    if len(labels) < IMAGES_A_CLASS * classes:
        return f"{len(labels)} validation images for {classes} classes are fewer than {IMAGES_A_CLASS} a class"
    curves, number = (log_loss(probabilities, labels) for probabilities in (by_curves, by_number))
    if curves < number:
        return ""
    return f"on validation images left out in turn isotonic has a log loss of {curves:.4g}, temperature of {number:.4g}"


def fit(method: str, scores: np.ndarray, labels: np.ndarray, note: str | None = None) -> Calibration:
    """Fit a key of `FITS`; other arguments as in `calibrate`."""
    images = 0 if method == "none" else len(labels)
    return Calibration(method=method, images=images, note=note, **({"temperature": 1.0} | FITS[method](scores, labels)))


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean loss of labels int [n] under probabilities [n, classes]."""
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(own, LEAST)).mean())


def calibrate_left_out(method: str, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return probabilities float32 [n, classes] of images by what was fitted on the others.

    A part of each class after the other is left out. What is judged by them, such as the threshold of prediction sets,
    is then not judged by images that the calibration fits better than new ones.

    Parameters
    ----------
    method : str
        A key of `FITS`.
    scores, labels : ndarray
        As in `calibrate`.
    """
    parts = np.empty(len(labels), dtype=int)
    parts[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % PARTS
    probabilities = np.empty(scores.shape, dtype=np.float32)
    for part in range(PARTS):
        inside = parts == part
        own = torch.from_numpy(np.ascontiguousarray(scores[inside], dtype=np.float32))
        probabilities[inside] = apply_calibration(fit(method, scores[~inside], labels[~inside]), own)
    return probabilities


def apply_calibration(calibration: Calibration, scores: torch.Tensor) -> np.ndarray:
    """Return probabilities float32 [n, classes] of scores [n, classes], a block at a time."""
    calibrator = build_calibrator(calibration)
    probabilities = np.empty(tuple(scores.shape), dtype=np.float32)
    for rows in row_blocks(*scores.shape):
        probabilities[rows] = calibrator(scores[rows]).exp().numpy()
    return probabilities


def fit_vector(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a factor and a shift of each class's log-probability under which the labels are most likely.

    Guo et al., 2017. Normal priors, one image strong, hold the factors near the temperature's 1 / T and the shifts
    near 0, so that classes without validation images keep them. Arguments as in `fit_temperature`.
    """
    scores = log_softmax(scores.astype(np.float64), axis=1)
    classes = scores.shape[1]
    rows = np.arange(len(labels))
    middle = np.full(classes, 1 / fit_temperature(scores, labels))

    def cost(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        scale = numbers[:classes]
        bias = numbers[classes:]
        log_probabilities = log_softmax(scores * scale + bias, axis=1)
        away = (scale - middle) / middle
        value = -log_probabilities[rows, labels].sum() + (away**2).sum() / 2 + (bias**2).sum() / 2
        error = np.exp(log_probabilities)
        error[rows, labels] -= 1
        return value, np.r_[(error * scores).sum(axis=0) + away / middle, error.sum(axis=0) + bias]

    best = minimize(cost, np.r_[middle, np.zeros(classes)], jac=True, method="L-BFGS-B").x
    return best[:classes], best[classes:]


def fit_isotonic(scores: np.ndarray, labels: np.ndarray) -> list[IsotonicCurve]:
    """Return, for each class, the rising curve from its probability to the share of its images (least squares).

    Zadrozny and Elkan, 2002, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates".
    Arguments as in `fit_temperature`.
    """
    from sklearn.isotonic import IsotonicRegression

    probabilities = softmax(scores.astype(np.float64), axis=1)
    curves = []
    for code in range(scores.shape[1]):
        fitted = IsotonicRegression(y_min=0, y_max=1).fit(probabilities[:, code], labels == code)
        curves.append(IsotonicCurve(x=fitted.X_thresholds_.tolist(), y=fitted.y_thresholds_.tolist()))
    return curves


def _fit_vector(scores: np.ndarray, labels: np.ndarray) -> dict:
    scale, bias = fit_vector(scores, labels)
    return {"scale": scale.tolist(), "bias": bias.tolist()}


def _fit_isotonic(scores: np.ndarray, labels: np.ndarray) -> dict:
    # the network's own probability counts as much as one image among the validation images
    return {"curves": fit_isotonic(scores, labels), "doubt": 1 / (len(labels) + 1)}


FITS = {  # method -> fit from (log-probabilities, labels) to fields of Calibration
    "none": lambda scores, labels: {},
    "temperature": lambda scores, labels: {"temperature": fit_temperature(scores, labels)},
    "vector": _fit_vector,
    "isotonic": _fit_isotonic,
}
