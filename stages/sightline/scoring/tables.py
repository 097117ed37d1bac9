"""The tables of evaluate: what `dvc plots show` draws of test images, and one row a judged image, issue or slice."""

import numpy as np
import pandas as pd

from sightline.scoring.diagnosis.diagnose import Findings
from sightline.scoring.metrics.abstention import coverage_curve, thin_curve
from sightline.scoring.metrics.calibration_error import reliability_table
from sightline.scoring.metrics.measure import class_table
from sightline.scoring.metrics.ranking import curve_table
from sightline.scoring.predictions import Predictions

HISTOGRAM_BINS = 20
DIAGRAMS = ("before calibration", "after calibration")
HEADLINE = {  # metrics between 0 and 1, high is good, to the words beside them
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, mean of the classes",
    "matthews_corrcoef": "Matthews correlation",
    "roc_auc_ovr": "area under ROC, one against the rest",
}


def tabulate_plots(test: Predictions, names: list[str], bins: int, curves: int) -> dict[str, pd.DataFrame]:
    """Return the tables by file name: names of the classes, bins of the reliability, classes with a curve."""
    of_class = np.array(names, dtype=object)
    return {
        "confusion": pd.DataFrame({"actual": of_class[test.labels], "predicted": of_class[test.predicted]}),
        "classes": class_table(test.labels, test.predicted, names, test.ranking),
        "reliability": tabulate_reliability(test, bins),
        "coverage": thin_curve(coverage_curve(test.confidence, test.right)),
        "confidence": count_confidence(test.confidence, test.right),
        "roc": curve_table(test.ranking, "roc", names, curves),
        "pr": curve_table(test.ranking, "pr", names, curves),
    }


def tabulate_headline(metrics: dict) -> pd.DataFrame:
    """Return the headline metrics of test as `metrics` has them, with their intervals: metric, value, low, high.

    A metric that was not measured is left out; without an interval, low and high are the value.
    """
    intervals = metrics.get("intervals", {}).get("test", {})
    rows = []
    for name, words in HEADLINE.items():
        if name in metrics.get("test", {}):
            value = metrics["test"][name]
            ends = intervals.get(name, {"low": value, "high": value})
            rows.append((words, value, ends["low"], ends["high"]))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"]).round(5)


def tabulate_reliability(test: Predictions, bins: int) -> pd.DataFrame:
    """Return the rows of both reliability diagrams; the column `curve` says which."""
    diagrams = zip(DIAGRAMS, (test.raw, test.calibrated), strict=True)
    tables = [
        reliability_table(probabilities, test.labels, bins).assign(curve=name) for name, probabilities in diagrams
    ]
    return pd.concat(tables, ignore_index=True)


def count_confidence(confidence: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Count the right and the wrong decisions by confidence, in 20 bins: confidence (its lower end), images, decision.

    confidence is float [n] in [0, 1], right is bool [n].
    """
    number = np.clip((confidence * HISTOGRAM_BINS).astype(int), 0, HISTOGRAM_BINS - 1)
    edges = np.round(np.arange(HISTOGRAM_BINS) / HISTOGRAM_BINS, 2)
    tables = []
    for decision, images in {"right": right, "wrong": ~right}.items():
        counts = np.bincount(number[images], minlength=HISTOGRAM_BINS)
        tables.append(pd.DataFrame({"confidence": edges, "images": counts, "decision": decision}))
    return pd.concat(tables, ignore_index=True)


def tabulate_records(
    judged: pd.DataFrame, probabilities: np.ndarray, findings: Findings, classes: list[str], least: float
) -> dict[str, pd.DataFrame]:
    """Return the tables by file name; an image whose confidence is below `least` counts as undecided."""
    named = {column: findings.issues[column].map(dict(enumerate(classes))) for column in ("label", "suggested")}
    return {
        "predictions": tabulate_predictions(judged, probabilities, least),
        "label_issues": findings.issues.assign(**named),
        "slices": findings.slices,
    }


def tabulate_predictions(judged: pd.DataFrame, probabilities: np.ndarray, least: float) -> pd.DataFrame:
    """Return one row a judged image: id, row in images.npy, subset, label, predicted, confidence, decided (0 or 1)."""
    confidence = probabilities.max(axis=1)
    decision = {"predicted": probabilities.argmax(axis=1), "confidence": confidence}
    decided = (confidence >= least).astype(int)
    return judged[["id", "row", "subset", "label"]].assign(**decision, decided=decided)
