"""Batches whose images differ from one another: each next one is far from those that were chosen before."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

KNOWN_AT_ONCE = 256  # rows: all distances of a pool to all labelled images would not fit into memory


class Choice(NamedTuple):
    """Rows in the order in which they were chosen, int64 [k], and what each scored then, float64 [k]."""

    rows: np.ndarray
    scores: np.ndarray


def k_centre(embeddings: np.ndarray, known: np.ndarray, count: int) -> Choice:
    """Choose the image that is farthest from all labelled and chosen ones, again and again.

    The greedy core-set of Sener and Savarese, 2018, "Active Learning for Convolutional Neural Networks: A Core-Set
    Approach". A score is the Euclidean distance to the nearest image that was there before.

    Parameters
    ----------
    embeddings : ndarray of float [n, features]
    known : ndarray of float [m, features]
        Of labelled images, m > 0.
    count : int
        0..n.
    """
    squares = _squares(embeddings)
    distance = _to_nearest(embeddings, squares, known)

    def closer(row: int) -> np.ndarray:
        return squares + squares[row] - 2 * (embeddings @ embeddings[row])

    chosen, scores = _choose(distance, closer, count, lambda distance: int(distance.argmax()))
    return Choice(chosen, np.sqrt(scores))


def badge(probabilities: np.ndarray, embeddings: np.ndarray, count: int, random: np.random.Generator) -> Choice:
    """Choose by k-means++ on the gradients that the predicted class would give the last layer.

    Ash et al., 2020, "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds". The gradient, the outer
    product of (probabilities - predicted class) and embedding, is long for unsure images; it is never formed, since its
    inner products are products of those of its two sides. The first image is that of the longest gradient; a score is
    the squared distance to the nearest gradient chosen before, for the first one to the origin.

    Parameters
    ----------
    probabilities : ndarray of float [n, classes]
    embeddings : ndarray of float [n, features]
    count : int
        0..n.
    random : numpy.random.Generator
        Draws all but the first, by squared distance.
    """
    errors = probabilities - np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    squares = _squares(errors) * _squares(embeddings)

    def closer(row: int) -> np.ndarray:
        return squares + squares[row] - 2 * (errors @ errors[row]) * (embeddings @ embeddings[row])

    def pick(distance: np.ndarray) -> int:
        if distance is squares:  # the first one
            return int(distance.argmax())
        return int(random.choice(len(distance), p=distance / distance.sum()))

    return _choose(squares, closer, count, pick)


def _choose(
    distance: np.ndarray, closer: Callable[[int], np.ndarray], count: int, pick: Callable[[np.ndarray], int]
) -> Choice:
    """Pick rows one after the other, each by the squared distances [n] to those before; none is picked twice."""
    rows: list[int] = []
    scores: list[float] = []
    for _ in range(count):
        row = pick(distance if (distance > 0).any() else _unchosen(len(distance), rows))
        rows.append(row)
        scores.append(float(distance[row]))
        distance = np.minimum(distance, closer(row)).clip(min=0)
        distance[rows] = 0
    return Choice(np.array(rows, dtype=np.int64), np.array(scores))


def _unchosen(count: int, rows: list[int]) -> np.ndarray:
    """Return 1 for each row that is not chosen, float64 [n]: where all that is left equals something, each will do."""
    left = np.ones(count)
    left[rows] = 0
    return left


def _squares(vectors: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)


def _to_nearest(embeddings: np.ndarray, squares: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the squared distance of each embedding to the nearest known one, float64 [n]."""
    nearest = np.full(len(embeddings), np.inf)
    for start in range(0, len(known), KNOWN_AT_ONCE):
        part = known[start : start + KNOWN_AT_ONCE]
        distances = squares[:, None] + _squares(part) - 2 * (embeddings @ part.T)
        nearest = np.minimum(nearest, distances.min(axis=1))
    return nearest.clip(min=0)
