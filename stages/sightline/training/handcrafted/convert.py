"""Read the numbers out of scikit-learn's fitted classifiers, as the tensors that the heads hold.

Classes without training images, which scikit-learn leaves out, get rows and columns of zeros.
"""

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC, LinearSVC


def convert(classifier: str, estimator: "ClassifierMixin", classes: int) -> dict[str, torch.Tensor]:
    """Return the tensors of the head that `classifier` names; numbers become float32 or int64."""
    arrays = CONVERTERS[classifier](estimator, classes)
    kinds = {"f": np.float32, "i": np.int64}
    return {name: torch.from_numpy(array.astype(kinds[array.dtype.kind])) for name, array in arrays.items()}


def _convert_linear(estimator: "LinearSVC", classes: int) -> dict[str, np.ndarray]:
    coef = estimator.coef_
    intercept = estimator.intercept_
    if len(estimator.classes_) == 2:  # one hyperplane, in favour of the second class
        coef = np.concatenate([-coef, coef])
        intercept = np.concatenate([-intercept, intercept])
    weight = np.zeros((classes, estimator.n_features_in_))
    weight[estimator.classes_] = coef
    bias = np.zeros(classes)
    bias[estimator.classes_] = intercept
    return {"weight": weight, "bias": bias}


def _convert_svc(estimator: "SVC", classes: int) -> dict[str, np.ndarray]:
    """Give each pair of classes its column of dual coefficients.

    `dual_coef_` [classes - 1, S] has for a support vector of one class a row for each of the other classes.
    """
    pair_of = {pair: column for column, pair in enumerate(combinations(range(classes), 2))}
    coefficients = np.zeros((len(estimator.support_), len(pair_of)))
    intercept = np.zeros(len(pair_of))
    sign = -1 if len(estimator.classes_) == 2 else 1  # two classes: scikit-learn turns the sign towards the second
    ends = np.cumsum(estimator.n_support_)
    of_class = [slice(end - count, end) for end, count in zip(ends, estimator.n_support_, strict=True)]
    for number, (first, second) in enumerate(combinations(range(len(estimator.classes_)), 2)):
        pair = pair_of[estimator.classes_[first], estimator.classes_[second]]
        coefficients[of_class[first], pair] = sign * estimator.dual_coef_[second - 1, of_class[first]]
        coefficients[of_class[second], pair] = sign * estimator.dual_coef_[first, of_class[second]]
        intercept[pair] = sign * estimator.intercept_[number]
    return {"support": estimator.support_vectors_, "coefficients": coefficients, "intercept": intercept}


def _convert_forest(estimator: "RandomForestClassifier", classes: int) -> dict[str, np.ndarray]:
    trees = [grown.tree_ for grown in estimator.estimators_]
    sizes = np.array([tree.node_count for tree in trees])
    roots = np.cumsum(sizes) - sizes
    root_of = np.repeat(roots, sizes)
    nodes = {
        name: np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold", "value")
    }
    itself = np.arange(len(root_of))
    is_leaf = nodes["children_left"] < 0
    shares = np.zeros((len(itself), classes))
    shares[:, estimator.classes_] = nodes["value"][:, 0]
    depths = np.concatenate([tree.compute_node_depths() for tree in trees]) - 1
    return {
        "left": np.where(is_leaf, itself, nodes["children_left"] + root_of),
        "right": np.where(is_leaf, itself, nodes["children_right"] + root_of),
        "feature": np.maximum(nodes["feature"], 0),
        "threshold": round_down(nodes["threshold"]),
        "roots": roots,
        "level_sizes": np.bincount(depths),
        "shares": shares,
    }


def round_down(thresholds: np.ndarray) -> np.ndarray:
    """Return the largest float32 not above each float64, so that no float32 feature changes sides."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)


CONVERTERS: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    "linear_svm": _convert_linear,
    "svm": _convert_svc,
    "random_forest": _convert_forest,
}
