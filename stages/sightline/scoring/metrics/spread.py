"""How much a metric differs between the folds, and between the members of an ensemble."""

import numpy as np
import pandas as pd

from sightline.scoring.metrics.decisions import count_decisions, decision_metrics
from sightline.scoring.metrics.measure import log_losses

DECISIONS = ("accuracy", "balanced_accuracy", "f1_macro")
SPREAD = (*DECISIONS, "log_loss")


def fold_spread(labels: np.ndarray, probabilities: np.ndarray, folds: np.ndarray) -> dict[str, float]:
    """Return mean and sample standard deviation over the folds, of the metrics of each fold's images.

    labels and folds are int [n], probabilities float [n, classes]; there are at least two folds.
    """
    members = [folds == fold for fold in np.unique(folds)]
    metrics = pd.DataFrame([_measure_fold(labels[images], probabilities[images]) for images in members])
    return {"folds": len(members)} | _spread(metrics, SPREAD)


def member_spread(labels: np.ndarray, decisions: list[np.ndarray], classes: int) -> dict[str, float]:
    """Return mean and sample standard deviation over an ensemble's members, each deciding alone on all images.

    labels and each of the two or more members' decisions, before calibration, are int [n], of at least one image.
    """
    counts = [count_decisions(labels, predicted, classes) for predicted in decisions]
    metrics = pd.DataFrame([decision_metrics(*of_member) for of_member in counts])
    return {"members": len(decisions)} | _spread(metrics, DECISIONS)


def _spread(metrics: pd.DataFrame, names: tuple[str, ...]) -> dict[str, float]:
    spread = {}
    for name in names:
        spread |= {f"{name}_mean": float(metrics[name].mean()), f"{name}_std": float(metrics[name].std())}
    return spread


def _measure_fold(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    counts = count_decisions(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    return decision_metrics(*counts) | {"log_loss": log_losses(labels, probabilities).mean()}
