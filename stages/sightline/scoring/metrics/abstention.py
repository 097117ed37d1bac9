"""When the network had better say nothing, or name several classes: abstention and conformal prediction sets."""

import numpy as np
import pandas as pd

from sightline.common.rows import evenly, row_blocks
from sightline.networks.calibration import Conformal
from sightline.scoring.metrics.sets import SCORES, prediction_sets

POINTS = 200  # of the drawn curve


def coverage_curve(confidence: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Return how accurate the decisions are when only the most confident ones are made.

    El-Yaniv and Wiener, 2010, "On the Foundations of Noise-free Selective Classification".

    Parameters
    ----------
    confidence : ndarray
        float [n].
    right : ndarray
        bool [n].

    Returns
    -------
    pandas.DataFrame
        One row a threshold, the highest first: min_confidence, coverage (share of images decided) and accuracy (share
        of them that are right). Images of equal confidence are decided together.
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order].astype(np.float64)
    hits = np.cumsum(right[order])
    last = np.flatnonzero(np.diff(sorted_confidence, append=-1))  # of each run of equal confidences
    decided = last + 1
    columns = {"min_confidence": sorted_confidence[last], "coverage": decided / max(1, len(right))}
    return pd.DataFrame(columns | {"accuracy": hits[last] / decided})


def risk_area(curve: pd.DataFrame) -> float:
    """Return the area under risk (1 - accuracy) against coverage: the mean risk over all coverages; 0 is best.

    Geifman et al., 2019, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers"; `curve` has rows.
    """
    steps = np.diff(curve["coverage"], prepend=0)
    return float(((1 - curve["accuracy"]) * steps).sum())


def thin_curve(curve: pd.DataFrame) -> pd.DataFrame:
    """Keep at most 200 rows, evenly, the last among them, for drawing."""
    return curve.iloc[evenly(len(curve), POINTS)].round(6)


def measure_abstention(confidence: np.ndarray, right: np.ndarray, least: float) -> dict[str, float]:
    """Measure decisions of at least one image, made only from the confidence `least` on.

    Returns
    -------
    dict
        aurc, coverage; accuracy_decided and accuracy_undecided, each where it has an image.
    """
    decided = confidence >= least
    metrics = {"aurc": risk_area(coverage_curve(confidence, right)), "coverage": float(decided.mean())}
    if decided.any():
        metrics["accuracy_decided"] = float(right[decided].mean())
    if not decided.all():
        metrics["accuracy_undecided"] = float(right[~decided].mean())
    return metrics


def fit_conformal(method: str, coverage: float, probabilities: np.ndarray, labels: np.ndarray) -> Conformal | None:
    """Find the threshold under which prediction sets hold the true class of new images at least `coverage` of the time.

    Split conformal prediction (Vovk et al., 2005). The guarantee holds for images drawn like these, on average over
    them, not for each class.

    Parameters
    ----------
    method : str
        ``none``; ``lac``: the set holds the classes of sufficient probability, smallest on average (Sadinle et al.,
        2019, "Least Ambiguous Set-Valued Classifiers"); ``aps``: the most probable classes until their sum suffices,
        larger for hard images (Romano et al., 2020, "Classification with Valid and Adaptive Coverage", without
        randomisation).
    coverage : float
        In (0, 1).
    probabilities, labels : ndarray
        Of validation images, float [n, classes] and int [n].

    Returns
    -------
    Conformal or None
        None for ``none``. The threshold is None where there are too few images for this coverage.
    """
    if method == "none":
        return None
    scores = np.empty(len(labels))
    for rows in row_blocks(*probabilities.shape):
        block = SCORES[method](probabilities[rows].astype(np.float64))
        scores[rows] = block[np.arange(len(block)), labels[rows]]
    rank = _round_up((len(labels) + 1) * coverage)
    threshold = float(np.sort(scores)[rank - 1]) if rank <= len(labels) else None
    return Conformal(method=method, coverage=coverage, threshold=threshold)


def fewest_images(coverage: float) -> int:
    """Return how many validation images a threshold for this coverage needs."""
    return _round_up(coverage / (1 - coverage))


def measure_sets(conformal: Conformal, probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return what the prediction sets of at least one image do: coverage, mean_set_size, and the share of one class.

    `probabilities` is float [n, classes], `labels` int [n].
    """
    sizes = np.empty(len(labels))
    covered = np.empty(len(labels), dtype=bool)
    for rows in row_blocks(*probabilities.shape):
        inside = prediction_sets(conformal, probabilities[rows])
        sizes[rows] = inside.sum(axis=1)
        covered[rows] = inside[np.arange(len(inside)), labels[rows]]
    return {
        "coverage": float(covered.mean()),
        "mean_set_size": float(sizes.mean()),
        "one_class_share": float((sizes == 1).mean()),
    }


def _round_up(number: float) -> int:
    """Round up, but not where only floating point is above: 0.9 / (1 - 0.9) is 9."""
    return int(np.ceil(number - 1e-9 * number))
