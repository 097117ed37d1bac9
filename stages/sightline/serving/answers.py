"""What is told of one image: class, probability, whether the model decides, the most probable classes, the set."""

import numpy as np

from sightline.scoring.metrics.sets import prediction_sets
from sightline.serving.model import DecisionRule, ExportedModel

DIGITS = 6  # of a probability, after the point


def judge(rule: DecisionRule, probabilities: np.ndarray) -> np.ndarray:
    """Return what answers are made of, for many images at once, which costs hardly more than for one.

    Parameters
    ----------
    rule : DecisionRule
        Of the model.
    probabilities : ndarray
        float32 [n, classes], calibrated.

    Returns
    -------
    ndarray
        A structured array [n]: `probabilities`; `order`: int64 [classes], the most probable class first; `inside`: bool
        [classes], which classes stand in the prediction set, all false where the model has none.
    """
    classes = probabilities.shape[1]
    judged = np.zeros(
        len(probabilities),
        [("probabilities", np.float32, classes), ("order", np.int64, classes), ("inside", bool, classes)],
    )
    judged["probabilities"] = probabilities
    judged["order"] = np.argsort(-probabilities, axis=1, kind="stable")
    if rule.conformal:
        judged["inside"] = prediction_sets(rule.conformal, probabilities)
    return judged


def answer(model: ExportedModel, judged: np.void, top: int) -> dict:
    """Return the answer for one image.

    Parameters
    ----------
    judged : void
        A row of what `judge` returns.
    top : int
        How many classes to name, > 0; all where there are fewer.

    Returns
    -------
    dict
        class, probability; decided: false where the probability is below the model's `min_confidence`; top: classes
        with their probabilities, the most probable first; set: the classes of the prediction set in that order, and
        set_coverage: how often such sets hold the true class; both None where the model has none.
    """
    probabilities, order, inside = judged.item()
    conformal = model.rule.conformal
    order = order.tolist()
    best = [{"class": model.classes[row], "probability": _rounded(probabilities[row])} for row in order[:top]]
    return {
        **best[0],
        "decided": bool(probabilities[order[0]] >= model.rule.min_confidence),
        "top": best,
        "set": _set_of(model.classes, order, inside.tolist()) if conformal else None,
        "set_coverage": conformal.coverage if conformal else None,
    }


def all_probabilities(model: ExportedModel, probabilities: np.ndarray) -> dict[str, float]:
    """Return the probability of every class, in their order; `probabilities` is float32 [classes]."""
    return dict(zip(model.classes, map(_rounded, probabilities), strict=True))


def _set_of(classes: list[str], order: list[int], inside: list[bool]) -> list[str]:
    return [classes[row] for row in order if inside[row]]


def _rounded(probability: np.floating) -> float:
    return round(float(probability), DIGITS)
