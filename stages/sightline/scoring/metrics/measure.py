"""The numbers of a classifier on one subset of images, by scikit-learn's names."""

import numpy as np
import pandas as pd
from sklearn.metrics import top_k_accuracy_score

from sightline.common.rows import row_blocks
from sightline.scoring.metrics.calibration_error import (
    classwise_calibration_error,
    expected_calibration_error,
    reliability_table,
)
from sightline.scoring.metrics.decisions import class_rates, count_decisions, decision_metrics
from sightline.scoring.metrics.ranking import Ranking

CHANCE_CORRECTED = ("matthews_corrcoef", "cohen_kappa")  # compare with chance, which needs two classes
SMALLEST = np.finfo(np.float64).eps  # what a probability of 0 counts as in the log loss, as in scikit-learn


def measure(
    labels: np.ndarray, probabilities: np.ndarray, ranking: Ranking, top_k: list[int], bins: int
) -> tuple[dict[str, float], list[str]]:
    """Measure predictions against labels.

    Parameters
    ----------
    labels : ndarray
        int [n] in [0, classes).
    probabilities : ndarray
        float [n, classes], rows that add up to 1; the largest one is the decision.
    ranking : Ranking
        `sightline.scoring.metrics.ranking.rank_classes` of the two.
    top_k : list of int
        For each k below the number of classes: how often the label is among the k most probable.
    bins : int
        Of the calibration errors.

    Returns
    -------
    dict
        Name to value: `images`, decisions (accuracy, F1, ...) and probabilities (log loss, calibration errors, ...).
    list of str
        What is left out because it is not defined here, and why.
    """
    if len(labels) == 0:
        return {"images": 0}, ["no images, hence no metrics"]
    counts = count_decisions(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    metrics = {"images": len(labels)}
    metrics |= {name: float(value) for name, value in decision_metrics(*counts).items()}
    metrics |= _top_k(labels, probabilities, top_k) | measure_probabilities(labels, probabilities, bins)
    metrics |= {f"{name}_ovr": float(ranking.classes[name].mean()) for name in ("roc_auc", "pr_auc")}
    left_out = (*CHANCE_CORRECTED, "roc_auc_ovr", "pr_auc_ovr") if (counts[2] > 0).sum() == 1 else ()
    for name in left_out:
        del metrics[name]
    return metrics, _notes(left_out, *counts[1:])


def measure_probabilities(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> dict[str, float]:
    """Return log_loss (nats), brier, and the calibration errors, of at least one image; arguments as in `measure`.

    The log loss counts a probability of 0 as 2.2e-16. The Brier score is in [0, 2], for two classes in [0, 1].
    """
    return {
        "log_loss": float(log_losses(labels, probabilities).mean()),
        "brier": float(brier_scores(labels, probabilities).mean()),
        "ece": expected_calibration_error(reliability_table(probabilities, labels, bins)),
        "ece_equal_mass": expected_calibration_error(reliability_table(probabilities, labels, bins, "mass")),
        "ece_classwise": classwise_calibration_error(probabilities, labels, bins),
    }


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return minus the logarithm of each label's probability, float64 [n]."""
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(own / probabilities.sum(axis=1, dtype=np.float64), SMALLEST, 1))


def brier_scores(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return each image's squared distance between its probabilities and the truth, float64 [n]; two classes: half."""
    scores = np.empty(len(labels))
    for rows in row_blocks(*probabilities.shape):
        block = probabilities[rows].astype(np.float64)
        block /= block.sum(axis=1, keepdims=True)  # float32 rows add up to 1 only to seven digits
        block[np.arange(len(block)), labels[rows]] -= 1
        scores[rows] = (block**2).sum(axis=1)
    return scores / 2 if probabilities.shape[1] == 2 else scores


def class_table(labels: np.ndarray, predicted: np.ndarray, names: list[str], ranking: Ranking) -> pd.DataFrame:
    """Return one row a class: class, precision, recall, f1 in [0, 1], roc_auc, pr_auc, support (its images), predicted.

    The recall of a class without images is 0, as is the precision of one that was never predicted; the areas of a
    class without images are empty.
    """
    hits, called, support = count_decisions(labels, predicted, len(names))
    table = pd.DataFrame({"class": names} | class_rates(hits, called, support))
    return table.join(ranking.classes).assign(support=support, predicted=called)


def _top_k(labels: np.ndarray, probabilities: np.ndarray, top_k: list[int]) -> dict[str, float]:
    """Of equally probable classes the earlier comes first, as in the decision itself.

    scikit-learn prefers the later one, so it is given the classes in the opposite order.
    """
    codes = np.arange(probabilities.shape[1])
    hits = {k: 0 for k in top_k if k < len(codes)}
    for rows in row_blocks(*probabilities.shape):
        truth = codes[-1] - labels[rows]
        scores = probabilities[rows, ::-1]
        for k in hits:
            hits[k] += top_k_accuracy_score(truth, scores, k=k, normalize=False, labels=codes)
    return {f"top_{k}_accuracy": float(count / len(labels)) for k, count in hits.items()}


def _notes(left_out: tuple[str, ...], predicted: np.ndarray, support: np.ndarray) -> list[str]:
    notes = []
    if left_out:
        notes.append(f"{', '.join(left_out)} left out: needs images of two classes or more")
    missing = int((support == 0).sum())
    silent = int(((predicted == 0) & (support > 0)).sum())
    if missing:
        notes.append(
            f"{missing} of {len(support)} classes have no image here: macro averages are over the classes that "
            "have one or are predicted, balanced_accuracy, roc_auc_ovr and pr_auc_ovr over those that have one"
        )
    if silent:
        notes.append(f"{silent} classes with images are never predicted: their precision and F1 count as 0")
    return notes
