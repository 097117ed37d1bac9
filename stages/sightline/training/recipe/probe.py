"""A linear probe: multinomial logistic regression on a network's features, as weight and bias of its last layer."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from sightline.common.errors import SightlineError
from sightline.networks.stack import assign_parts

STRENGTHS = tuple(10.0**power for power in range(-5, 2))  # of scikit-learn's C, on standardised features
ITERATIONS = 1000  # of the solver at most; it needs some dozens
THREADS = 2  # of products: 16 took seven times as long on 8,000 images of 512 features
TOLERANCE = 1e-8  # of the gradient at the solution of a head
LEAST_SPREAD = 0.01  # of a feature, over the mean of all: one that hardly varies must not get a huge weight


@dataclass(frozen=True)
class Features:
    """What a network sees in images: values float32 [n, features], and their labels int [n]."""

    values: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: np.ndarray) -> "Features":
        return Features(self.values[rows], self.labels[rows])


@dataclass(frozen=True)
class Probe:
    """A softmax regression: weight float64 [classes, features] and bias [classes], and the C that it was fitted with.

    It takes features as they are: what scaled them for the fit is undone.
    """

    weight: np.ndarray
    bias: np.ndarray
    c: float

    def probabilities(self, data: Features) -> np.ndarray:
        """Return the softmax of the scores, float64 [n, classes]."""
        logits = self._logits(data)
        return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))

    def losses(self, data: Features) -> np.ndarray:
        """Return each image's cross-entropy, float64 [n]."""
        logits = self._logits(data)
        return np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(data)), data.labels]

    def _logits(self, data: Features) -> np.ndarray:
        return data.values @ self.weight.T + self.bias


def fit_probe(train: Features, val: Features, classes: int, weights: torch.Tensor | None) -> Probe:
    """Fit on training images, as strongly regularised as suits the validation images best by cross-entropy.

    Where there are none, by stratified parts of the training images, each predicted by a fit on the others. Equally
    good strengths go to the stronger penalty.

    Parameters
    ----------
    train, val : Features
    classes : int
        How many there are, whether or not all have training images.
    weights : Tensor of float32 [classes] or None
        What an image of each class counts, in the fit and in the choice.

    Raises
    ------
    SightlineError
        All training images are of one class.
    """
    if len(np.unique(train.labels)) < 2:
        raise SightlineError(
            "params.yaml: head_init: probe needs training images of two classes at least: use zero or timm"
        )
    counts = np.ones(classes) if weights is None else weights.double().numpy()
    divisions = [(train, val)] if len(val) else list(divide(train))
    losses = [sum(_held_out_loss(*division, c, counts) for division in divisions) for c in STRENGTHS]
    return fit_regression(train, STRENGTHS[int(np.argmin(losses))], counts)


def divide(data: Features) -> Iterator[tuple[Features, Features]]:
    """Yield the images outside of each stratified part, and those in it, where two classes are left to fit."""
    parts = assign_parts(data.labels, None)
    for part in np.unique(parts):
        rest = data[parts != part]
        if len(np.unique(rest.labels)) > 1:
            yield rest, data[parts == part]


def fit_regression(data: Features, c: float, counts: np.ndarray, tolerance: float = TOLERANCE) -> Probe:
    """Fit scikit-learn's logistic regression with an L2 penalty on standardised features.

    Parameters
    ----------
    c : float
        > 0: inverse strength of the penalty.
    counts : ndarray of float64 [classes]
        What an image of each class counts. A class without images gets a weight of zero, and a bias by which it is as
        unlikely as one image among all for whatever image the others say least about.
    tolerance : float
        > 0: largest component of the gradient at the solution.
    """
    from sklearn.linear_model import LogisticRegression  # half a second, for probes alone

    mean = data.values.mean(axis=0, dtype=np.float64)
    spread = data.values.std(axis=0, dtype=np.float64)
    spread = np.maximum(spread, LEAST_SPREAD * spread.mean() or 1.0)
    model = LogisticRegression(C=c, max_iter=ITERATIONS, tol=tolerance)
    with threadpool_limits(THREADS):
        model.fit((data.values - mean) / spread, data.labels, sample_weight=counts[data.labels])
    seen_weight, seen_bias = _for_softmax(model.coef_ / spread, model.intercept_)
    seen_bias = seen_bias - seen_weight @ mean
    weight = np.zeros((len(counts), data.values.shape[1]))
    weight[model.classes_] = seen_weight
    least = np.logaddexp.reduce(data.values @ seen_weight.T + seen_bias, axis=1).min()
    bias = np.full(len(counts), least - np.log(len(data)))
    bias[model.classes_] = seen_bias
    return Probe(weight, bias, c)


def _for_softmax(coefficients: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a row a class: for two classes scikit-learn has the second one's score alone, which both then share."""
    if len(intercepts) > 1:
        return coefficients, intercepts
    return np.concatenate([-coefficients, coefficients]) / 2, np.concatenate([-intercepts, intercepts]) / 2


def _held_out_loss(train: Features, held_out: Features, c: float, counts: np.ndarray) -> float:
    return float(fit_regression(train, c, counts).losses(held_out) @ counts[held_out.labels])
