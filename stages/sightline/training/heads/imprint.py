"""Further classes for a head that knows some: a row for each out of its images; the rows that it has stay as they are.

After Qi et al., 2018, "Low-Shot Learning with Imprinted Weights". An image that the head decided rightly can then turn
wrong in one way alone: by being taken for a further class.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from sightline.training.heads.prototypes import Prototypes, class_sums, unit
from sightline.training.recipe.probe import Features

SURELY_NOT = 20.0  # how far the logit of a class without images lies below all others


def imprint(head: Prototypes, known: np.ndarray, seen: Features) -> Prototypes:
    """Return the head with a row for each class that it does not know.

    A row points from the mean of all classes to the class's prototype. How long these rows are and how far they reach
    are the two numbers under which the labels of the images are most likely, where each class counts the same; a normal
    prior on the logarithm of the length, about that of the known logits, weighs as one image. An image is no part of
    the prototype that it is measured by, unless it is its class's only one.

    Parameters
    ----------
    head : Prototypes
        Has rows for all classes, of which those of classes that are not `known` are of no account.
    known : ndarray of int
        Classes, sorted, at least one.
    seen : Features
        Images of further classes and of those that are known. A class of which there are none is decided never.
    """
    weight, bias = head.weight.copy(), head.bias.copy()
    further = np.setdiff1d(np.arange(len(weight)), known)
    scores = seen.values @ weight[known].T + bias[known]
    weight[further] = 0
    bias[further] = scores.min(initial=0) - SURELY_NOT
    further = np.intersect1d(further, seen.labels)
    if len(further):
        mean = mean_of_classes(seen)
        directions, products = point(seen.values - mean, seen.labels, further)
        length, reach = fit_length(scores, products, np.concatenate([known, further]), seen.labels)
        weight[further] = length * directions
        bias[further] = reach - weight[further] @ mean
    return Prototypes(weight, bias)


def mean_of_classes(seen: Features) -> np.ndarray:
    """Return the mean of the classes' means, float64 [features]."""
    present, counts = np.unique(seen.labels, return_counts=True)
    return (class_sums(seen.values, seen.labels, present) / counts[:, None]).mean(axis=0)


def point(moved: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each class's direction [classes, features], and what each image [n, features] goes along it [n, classes].

    For an image of the class itself, along the direction that the others have.
    """
    totals = class_sums(unit(moved), labels, classes)
    directions = unit(totals)
    products = moved @ directions.T
    for place, label in enumerate(classes):
        own = np.flatnonzero(labels == label)
        if len(own) > 1:
            products[own, place] = (moved[own] * unit(totals[place] - unit(moved[own]))).sum(axis=1)
    return directions, products


def fit_length(
    scores: np.ndarray, products: np.ndarray, classes: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Return the factor and the term under which `products` fit beside `scores`, as `imprint` says.

    Parameters
    ----------
    scores, products : ndarray of float [n, known], [n, further]
        Logits as they are, and what becomes those of the further classes.
    classes : ndarray of int [known + further]
        Which these columns stand for.
    labels : ndarray of int [n]
        Among `classes`; images of other labels do not count.
    """
    columns = {label: column for column, label in enumerate(classes.tolist())}
    rows = np.flatnonzero(np.isin(labels, classes))
    places = np.array([columns[label] for label in labels[rows].tolist()])
    counts = np.bincount(places, minlength=len(classes))
    shares = len(rows) / np.count_nonzero(counts) / counts[places]
    start = (scores[rows].std() or 1.0) / (products[rows].std() or 1.0)

    def cost(numbers: np.ndarray) -> float:
        further = start * np.exp(numbers[0]) * products[rows] + numbers[1]
        logits = np.concatenate([scores[rows], further], axis=1)
        losses = logsumexp(logits, axis=1) - logits[np.arange(len(rows)), places]
        return float(shares @ losses + numbers[0] ** 2 / 2)

    best = minimize(cost, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 1000})
    return float(start * np.exp(best.x[0])), float(best.x[1])
