"""The content of metrics/evaluate.json from judged images, and the lines that the stage prints."""

import numpy as np

from sightline.networks.calibration import Calibration
from sightline.scoring.metrics.abstention import fewest_images, measure_abstention, measure_sets
from sightline.scoring.metrics.intervals import bootstrap_intervals
from sightline.scoring.metrics.measure import fold_spread, measure, measure_probabilities, member_spread
from sightline.scoring.predictions import Scored

CHANGED = ("accuracy", "log_loss", "ece")
SHOWN = ("accuracy", "f1_macro", "log_loss", "ece")


def summarize(
    parts: dict[str, Scored], alone: list[np.ndarray], top_k: list[int], bins: int
) -> tuple[dict, dict[str, str]]:
    """Measure validation and test, the folds where there are several, and an ensemble's members.

    `alone` is what each member would decide on test, int [test images].

    Returns
    -------
    dict
        val, test: metrics; folds: mean and deviation over the folds; members: over the members on test.
    dict of str to str
        What is left out, and why.
    """
    metrics, notes = {}, {}
    for subset, part in parts.items():
        metrics[subset], found = measure(part.labels, part.after, part.ranking, top_k, bins)
        if found:
            notes[subset] = "; ".join(found)
    crossed = parts["val"].images["fold"]
    if crossed.nunique() > 1:
        metrics["folds"] = fold_spread(parts["val"].labels, parts["val"].after, crossed.to_numpy())
    if len(alone) > 1:
        metrics["members"] = member_spread(parts["test"].labels, alone, parts["test"].after.shape[1])
    return metrics, notes


def summarize_intervals(
    part: Scored, bins: int, resamples: int, confidence: float, seed: int
) -> tuple[dict, dict[str, str]]:
    """Return the interval of each headline metric, and a note where it says nothing; {} without images or resamples."""
    if len(part) == 0 or resamples == 0:
        return {}, {}
    found = bootstrap_intervals(part.labels, part.after, bins, resamples, confidence, seed)
    notes = {}
    if part.right.all() or not part.right.any():
        which = "right" if part.right.all() else "wrong"
        notes["intervals"] = f"all test images are {which}, and resampling them cannot show what did not happen"
    return {"intervals": {"confidence": confidence, "test": found}}, notes


def summarize_calibration(parts: dict[str, Scored], calibration: Calibration, bins: int) -> dict:
    """Return what calibration changed on validation, which it was fitted on, and on test."""
    found = {"method": calibration.method, "temperature": calibration.temperature}
    for subset, part in parts.items():
        if len(part):
            found[subset] = {}
            for when, probabilities in {"before": part.before, "after": part.after}.items():
                values = measure_probabilities(part.labels, probabilities, bins)
                values["accuracy"] = float((probabilities.argmax(axis=1) == part.labels).mean())
                found[subset] |= {f"{name}_{when}": values[name] for name in CHANGED}
    return {"calibration": found}


def summarize_decisions(part: Scored, calibration: Calibration) -> tuple[dict, dict[str, str]]:
    """Measure abstention and prediction sets on test; a note where no threshold could be found."""
    if len(part) == 0:
        return {}, {}
    found = {"abstention": measure_abstention(part.confidence, part.right, calibration.min_confidence)}
    if calibration.conformal is None:
        return found, {}
    found["conformal"] = measure_sets(calibration.conformal, part.after, part.labels)
    if calibration.conformal.threshold is not None:
        return found, {}
    least = fewest_images(calibration.conformal.coverage)
    return found, {"conformal": f"every set holds all classes: this coverage needs {least} validation images or more"}


def describe(metrics: dict) -> str:
    """Return the lines that the stage prints: the main metrics of each subset, then the notes."""
    lines = [
        "  ".join(
            [f"{subset:<5}{metrics[subset]['images']:>7} images"]
            + [f"{name} {metrics[subset][name]:.4f}" for name in SHOWN if name in metrics[subset]]
        )
        for subset in ("val", "test")
    ]
    return "\n".join(lines + [f"{about}: {note}" for about, note in metrics.get("notes", {}).items()])
