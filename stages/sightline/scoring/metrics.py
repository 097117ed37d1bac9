"""The numbers of a classifier on one subset of images, by scikit-learn's names."""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from sightline.scoring.calibration import expected_calibration_error, reliability_table

ONE_CLASS = "needs images of two classes or more"


def measure(
    labels: np.ndarray, probabilities: np.ndarray, classes: list[str], top_k: list[int], bins: int
) -> tuple[dict[str, float], list[str]]:
    """Measure predictions against labels.

    Parameters
    ----------
    labels : ndarray
        int [n] in [0, classes).
    probabilities : ndarray
        float [n, classes], rows that add up to 1; the largest one is the decision.
    classes : list of str
        Their names, at least two.
    top_k : list of int
        For each k below the number of classes: how often the label is among the k most probable.
    bins : int
        Of the calibration error.

    Returns
    -------
    dict
        Name to value: `images`, decisions (accuracy, F1, ...) and probabilities (log loss, calibration error, ...).
    list of str
        What is left out because it is not defined here, and why.
    """
    if len(labels) == 0:
        return {"images": 0}, ["no images, hence no metrics"]
    present = np.unique(labels)
    found = {"images": len(labels)} | _decisions(labels, probabilities.argmax(axis=1), present)
    found |= _top_k(labels, probabilities, top_k) | measure_probabilities(labels, probabilities, bins)
    if len(present) > 1:
        found |= _between_classes(labels, probabilities, present)
    return found, _notes(present, classes)


def measure_probabilities(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> dict[str, float]:
    """Return log_loss (nats), brier and ece of at least one image; arguments as in `measure`.

    The log loss counts a probability of 0 as 2.2e-16. The Brier score is in [0, 2], for two classes in [0, 1].
    """
    codes = np.arange(probabilities.shape[1])
    exact = probabilities.astype(np.float64)
    exact = exact / exact.sum(axis=1, keepdims=True)  # float32 rows add up to 1 only to seven digits
    return {
        "log_loss": float(log_loss(labels, exact, labels=codes)),
        "brier": float(brier_score_loss(labels, exact, labels=codes)),
        "ece": expected_calibration_error(reliability_table(probabilities, labels, bins)),
    }


def class_table(labels: np.ndarray, predicted: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row a class: class, precision, recall, f1 in [0, 1], support (its images) and predicted.

    What is not defined is 0: the recall of a class without images, the precision of one that was never predicted.
    """
    if len(labels) == 0:
        return pd.DataFrame(
            {"class": classes} | dict.fromkeys(("precision", "recall", "f1", "support", "predicted"), 0)
        )
    codes = np.arange(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=codes, zero_division=0.0)
    counts = np.bincount(predicted, minlength=len(classes))
    columns = {"class": classes, "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame(columns | {"support": support.astype(int), "predicted": counts})


def fold_spread(labels: np.ndarray, predicted: np.ndarray, folds: np.ndarray) -> dict[str, float]:
    """Return mean and sample standard deviation over the folds, of each fold's accuracy and macro F1.

    labels, predicted and folds are int [n]; there are at least two folds.
    """
    parts = [folds == fold for fold in np.unique(folds)]
    accuracy = [accuracy_score(labels[part], predicted[part]) for part in parts]
    f1 = [f1_score(labels[part], predicted[part], average="macro", zero_division=0.0) for part in parts]
    spread = {"folds": len(parts)}
    for name, values in {"accuracy": accuracy, "f1_macro": f1}.items():
        spread |= {f"{name}_mean": float(np.mean(values)), f"{name}_std": float(np.std(values, ddof=1))}
    return spread


def _decisions(labels: np.ndarray, predicted: np.ndarray, present: np.ndarray) -> dict[str, float]:
    macro = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0.0)
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        # the mean recall of the classes that have images, without the warning of balanced_accuracy_score
        "balanced_accuracy": float(recall_score(labels, predicted, labels=present, average="macro", zero_division=0.0)),
        "precision_macro": float(macro[0]),
        "recall_macro": float(macro[1]),
        "f1_macro": float(macro[2]),
        "f1_weighted": float(f1_score(labels, predicted, average="weighted", zero_division=0.0)),
    }


def _top_k(labels: np.ndarray, probabilities: np.ndarray, top_k: list[int]) -> dict[str, float]:
    codes = np.arange(probabilities.shape[1])
    return {
        f"top_{k}_accuracy": float(top_k_accuracy_score(labels, probabilities, k=k, labels=codes))
        for k in top_k
        if k < len(codes)
    }


def _between_classes(labels: np.ndarray, probabilities: np.ndarray, present: np.ndarray) -> dict[str, float]:
    predicted = probabilities.argmax(axis=1)
    truth = labels[:, None] == present[None, :]  # one class against the rest, which for two classes is the plain curve
    return {
        "roc_auc_ovr": float(roc_auc_score(truth, probabilities[:, present], average="macro")),
        "matthews_corrcoef": float(matthews_corrcoef(labels, predicted)),
        "cohen_kappa": float(cohen_kappa_score(labels, predicted)),
    }


def _notes(present: np.ndarray, classes: list[str]) -> list[str]:
    notes = []
    if len(present) == 1:
        notes.append(f"roc_auc_ovr, matthews_corrcoef, cohen_kappa left out: {ONE_CLASS}")
    if len(present) < len(classes):
        missing = len(classes) - len(present)
        notes.append(
            f"{missing} of {len(classes)} classes have no image here: macro averages are over the classes that "
            "have one or are predicted, balanced_accuracy and roc_auc_ovr over those that have one"
        )
    return notes
