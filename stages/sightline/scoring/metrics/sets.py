"""Which classes stand in an image's prediction set; needs NumPy alone, so that a server can carry it by itself."""

from typing import Protocol

import numpy as np

ROUNDING = 1e-12  # of a sum of probabilities


class SetRule(Protocol):
    """How prediction sets are made: by which score, a key of `SCORES`, and the largest that enters (None: all do)."""

    method: str
    threshold: float | None


def prediction_sets(rule: SetRule, probabilities: np.ndarray) -> np.ndarray:
    """Return which classes stand in each image's set, bool [n, classes]; the most probable one always does."""
    if rule.threshold is None:
        return np.ones(probabilities.shape, dtype=bool)
    inside = SCORES[rule.method](probabilities.astype(np.float64)) <= rule.threshold
    inside[np.arange(len(inside)), probabilities.argmax(axis=1)] = True
    return inside


def _aps(probabilities: np.ndarray) -> np.ndarray:
    """Return, for each class, the sum of the probabilities down to its own."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)  # float32 rows add up to 1 only to seven digits
    sums = np.cumsum(np.take_along_axis(shares, order, axis=1), axis=1)
    sums[sums > 1 - ROUNDING] = 1  # else a set of all classes would lose some where the sum is 1.0000000000000002
    of_class = np.empty_like(sums)
    np.put_along_axis(of_class, order, sums, axis=1)
    return of_class


SCORES = {"lac": lambda probabilities: 1 - probabilities, "aps": _aps}  # [n, classes]: how strange each class would be
