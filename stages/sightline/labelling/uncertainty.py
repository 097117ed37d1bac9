"""How unsure a model is of images, from their probabilities [n, classes] alone: the higher, the less it knows."""

import numpy as np


def least_confidence(probabilities: np.ndarray) -> np.ndarray:
    """Return what is missing to 1 in the likeliest class, [n] in 0..1 - 1 / classes."""
    return 1 - probabilities.max(axis=1)


def margin(probabilities: np.ndarray) -> np.ndarray:
    """Return 1 less the distance of the two likeliest classes, [n] in 0..1.

    Scheffer et al., 2001, "Active Hidden Markov Models for Information Extraction".
    """
    second, first = np.partition(probabilities, -2, axis=1)[:, -2:].T
    return 1 - (first - second)


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return Shannon's entropy in nats, [n] in 0..ln classes."""
    logarithms = np.log(np.where(probabilities > 0, probabilities, 1))
    return -(probabilities * logarithms).sum(axis=1)
