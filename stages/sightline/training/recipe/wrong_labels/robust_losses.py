"""Losses that a wrong label cannot pull far: between cross-entropy, which fits best, and the absolute error."""

import torch
from torch.nn import functional

from sightline.training.recipe.losses import LOSSES, Loss, PerImage, as_soft

Q = 0.7  # in (0, 1], the paper's: towards 0 it is cross-entropy, 1 is the absolute error, which trusts labels least
ALPHA, BETA = 0.1, 1.0  # what cross-entropy and its reverse count, the paper's for CIFAR-10
LOG_OF_ZERO = -4.0  # what the logarithm of a class without any share counts as: A of the paper, for CIFAR-10


def choose_loss(noise: str, loss: str) -> PerImage:
    """Return the loss that `noise` names, or, where it names none, `loss` does."""
    return ROBUST.get(noise, LOSSES[loss])


def generalized_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, loss: Loss) -> torch.Tensor:
    """Return float [N], (1 - p^q) / q of each class (Zhang & Sabuncu, 2018, "Generalized Cross Entropy Loss")."""
    terms = (1 - (Q * functional.log_softmax(logits, dim=1)).exp()) / Q
    if loss.weights is not None:
        terms = terms * loss.weights
    return (terms * loss.smooth(targets, logits.shape[1])).sum(dim=1)


def symmetric_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, loss: Loss) -> torch.Tensor:
    """Return float [N], alpha * cross-entropy + beta * its reverse (Wang et al., 2019, "Symmetric Cross Entropy").

    The reverse takes the logarithm of the target and the mean over the prediction; for a label it is
    -`LOG_OF_ZERO` * (1 - p).
    """
    classes = logits.shape[1]
    log_targets = loss.smooth(targets, classes).log().clamp(min=LOG_OF_ZERO)
    reverse = -(functional.softmax(logits, dim=1) * log_targets).sum(dim=1)
    if loss.weights is not None:
        reverse = reverse * (as_soft(targets, classes) @ loss.weights)
    return ALPHA * LOSSES["cross_entropy"](logits, targets, loss) + BETA * reverse


ROBUST = {"gce": generalized_cross_entropy, "symmetric": symmetric_cross_entropy}  # noise -> loss of each image
