"""What is told of one image: class, probability, whether the model decides, the most probable classes, the set."""

import numpy as np

from sightline.scoring.metrics.sets import prediction_sets
from sightline.serving.model import ExportedModel

DIGITS = 6  # of a probability, after the point


def answer(model: ExportedModel, probabilities: np.ndarray, top: int) -> dict:
    """Return the answer for one image.

    Parameters
    ----------
    probabilities : ndarray
        float32 [classes], calibrated.
    top : int
        How many classes to name, > 0; all where there are fewer.

    Returns
    -------
    dict
        class, probability; decided: false where the probability is below the model's `min_confidence`; top: classes
        with their probabilities, the most probable first; set: the classes of the prediction set in that order, and
        set_coverage: how often such sets hold the true class; both None where the model has none.
    """
    order = np.argsort(-probabilities, kind="stable")
    best = order[0]
    conformal = model.rule.conformal
    inside = prediction_sets(conformal, probabilities[None])[0] if conformal else None
    return {
        "class": model.classes[best],
        "probability": _rounded(probabilities[best]),
        "decided": bool(probabilities[best] >= model.rule.min_confidence),
        "top": [{"class": model.classes[row], "probability": _rounded(probabilities[row])} for row in order[:top]],
        "set": [model.classes[row] for row in order[inside[order]].tolist()] if conformal else None,
        "set_coverage": conformal.coverage if conformal else None,
    }


def all_probabilities(model: ExportedModel, probabilities: np.ndarray) -> dict[str, float]:
    """Return the probability of every class, in their order; `probabilities` is float32 [classes]."""
    return dict(zip(model.classes, map(_rounded, probabilities), strict=True))


def _rounded(probability: np.floating) -> float:
    return round(float(probability), DIGITS)
