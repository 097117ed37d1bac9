"""Prototypes: a class is the mean of what a network sees in its images, and the nearest one decides, by cosine."""

from dataclasses import dataclass

import numpy as np

from sightline.training.recipe.probe import Features

SHARPNESS = 10.0  # of the softmax over cosines: what Gidaris and Komodakis, 2018, begin with
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Prototypes:
    """A linear layer: weight float64 [classes, features] and bias [classes], for features as they are."""

    weight: np.ndarray
    bias: np.ndarray


def fit_prototypes(train: Features, classes: int) -> Prototypes:
    """Return the layer whose largest logit is that of the prototype which is nearest by cosine.

    A prototype is the mean of a class's features at length 1 (Snell et al., 2017, "Prototypical Networks for Few-shot
    Learning"; by cosine as in Gidaris and Komodakis, 2018, "Dynamic Few-Shot Visual Learning without Forgetting"). An
    image's own length changes how sure a decision is and not which: so that the layer is linear, all count as of the
    mean length.

    Parameters
    ----------
    train : Features
        At least one image.
    classes : int
        How many there are; one without images is never the nearest.
    """
    present = np.unique(train.labels)
    length = np.linalg.norm(train.values.astype(np.float64), axis=1).mean()
    weight = np.zeros((classes, train.values.shape[1]))
    weight[present] = SHARPNESS / max(length, TINY) * unit(class_sums(unit(train.values), train.labels, present))
    bias = np.full(classes, -SHARPNESS)  # as far as a prototype can be
    bias[present] = 0
    return Prototypes(weight, bias)


def class_sums(values: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the sum float64 [classes, features] of the values [n, features] of each class."""
    return np.stack([values[labels == label].sum(axis=0, dtype=np.float64) for label in classes])


def unit(values: np.ndarray) -> np.ndarray:
    """Return vectors [n, features] at length 1, float64; one of zeros stays."""
    values = values.astype(np.float64)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), TINY)
