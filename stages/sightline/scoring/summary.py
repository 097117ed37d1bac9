"""The content of metrics/evaluate.json from judged images, and the lines that the stage prints."""

import numpy as np

from sightline.networks.calibration import Calibration
from sightline.scoring.metrics.abstention import fewest_images, measure_abstention, measure_sets
from sightline.scoring.metrics.calibration_test import judge_calibration
from sightline.scoring.metrics.intervals import metric_intervals, wilson_interval
from sightline.scoring.metrics.measure import measure, measure_probabilities
from sightline.scoring.metrics.spread import fold_spread, member_spread
from sightline.scoring.predictions import Predictions

CHANGED = ("accuracy", "log_loss", "ece")
PRINTED = ("accuracy", "f1_macro", "log_loss", "ece")


def summarize_subsets(
    subsets: dict[str, Predictions], decisions: list[np.ndarray], top_k: list[int], bins: int
) -> tuple[dict, dict[str, str]]:
    """Measure validation and test, the folds where there are several, and an ensemble's members.

    `decisions` are what each member would decide on test, int [test images].

    Returns
    -------
    dict
        val, test: metrics; folds: mean and deviation over the folds; members: over the members on test.
    dict of str to str
        What is left out, and why.
    """
    metrics = {}
    notes = {}
    for subset, images in subsets.items():
        metrics[subset], remarks = measure(images.labels, images.calibrated, images.ranking, top_k, bins)
        if remarks:
            notes[subset] = "; ".join(remarks)
    validation = subsets["val"]
    folds = validation.images["fold"]
    if folds.nunique() > 1:
        metrics["folds"] = fold_spread(validation.labels, validation.calibrated, folds.to_numpy())
    if len(decisions) > 1:
        test = subsets["test"]
        metrics["members"] = member_spread(test.labels, decisions, test.calibrated.shape[1])
    return metrics, notes


def summarize_intervals(test: Predictions, metrics: dict, resamples: int, confidence: float, seed: int) -> dict:
    """Return the interval of each metric of test that has one; {} without images or resamples.

    `metrics` are those of test: the top-k accuracies among them are shares too.
    """
    if len(test) == 0 or resamples == 0:
        return {}
    intervals = metric_intervals(test.labels, test.calibrated, resamples, confidence, seed)
    shares = {name: value for name, value in metrics.items() if name.startswith("top_")}
    intervals |= {name: _share_interval(share, len(test), confidence) for name, share in shares.items()}
    return {"intervals": {"confidence": confidence, "test": intervals}}


def add_calibration_test(
    metrics: dict, test: Predictions, bins: int, resamples: int, confidence: float, seed: int
) -> dict:
    """Return metrics with the debiased calibration error of test, its interval, and the p-value of calibration.

    Nothing is added without images or resamples.
    """
    if len(test) == 0 or resamples == 0:
        return metrics
    found = judge_calibration(test.labels, test.calibrated, bins, resamples, confidence, seed)
    intervals = metrics["intervals"]
    of_test = intervals["test"] | {"ece_debiased": {"low": found.low, "high": found.high}}
    calibration = metrics["calibration"]
    return metrics | {
        "test": metrics["test"] | {"ece_debiased": found.error},
        "intervals": intervals | {"test": of_test},
        "calibration": calibration | {"test": calibration["test"] | {"p_value": found.p_value}},
    }


def summarize_calibration(subsets: dict[str, Predictions], calibration: Calibration, bins: int) -> dict:
    """Return what calibration changed on validation, which it was fitted on, and on test."""
    metrics = {"method": calibration.method, "temperature": calibration.temperature}
    for subset, images in subsets.items():
        if len(images):
            before = _measure_change(images.labels, images.raw, bins, "before")
            metrics[subset] = before | _measure_change(images.labels, images.calibrated, bins, "after")
    return {"calibration": metrics}


def summarize_decisions(test: Predictions, calibration: Calibration, confidence: float) -> tuple[dict, dict[str, str]]:
    """Measure abstention and prediction sets on test; a note where no threshold could be found.

    The coverage of the sets has the ends of its interval of this confidence beside it.
    """
    if len(test) == 0:
        return {}, {}
    metrics = {"abstention": measure_abstention(test.confidence, test.right, calibration.min_confidence)}
    if calibration.conformal is None:
        return metrics, {}
    sets = measure_sets(calibration.conformal, test.calibrated, test.labels)
    ends = _share_interval(sets["coverage"], len(test), confidence)
    metrics["conformal"] = sets | {f"coverage_{end}": limit for end, limit in ends.items()}
    if calibration.conformal.threshold is not None:
        return metrics, {}
    least = fewest_images(calibration.conformal.coverage)
    return metrics, {"conformal": f"every set holds all classes: this coverage needs {least} validation images or more"}


def describe_metrics(metrics: dict) -> str:
    """Return the lines that the stage prints: the main metrics of each subset, then the notes."""
    lines = [
        "  ".join(
            [f"{subset:<5}{metrics[subset]['images']:>7} images"]
            + [f"{name} {metrics[subset][name]:.4f}" for name in PRINTED if name in metrics[subset]]
        )
        for subset in ("val", "test")
    ]
    return "\n".join(lines + [f"{about}: {note}" for about, note in metrics.get("notes", {}).items()])


def _share_interval(share: float, images: int, confidence: float) -> dict[str, float]:
    low, high = wilson_interval(share * images, images, confidence)
    return {"low": float(low), "high": float(high)}


def _measure_change(labels: np.ndarray, probabilities: np.ndarray, bins: int, moment: str) -> dict[str, float]:
    metrics = measure_probabilities(labels, probabilities, bins)
    metrics["accuracy"] = float((probabilities.argmax(axis=1) == labels).mean())
    return {f"{name}_{moment}": metrics[name] for name in CHANGED}
