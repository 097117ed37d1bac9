"""Losses by name, for labels or soft targets, and the weights that make up for rare classes.

Every loss is the mean over images of a weighted sum over classes, so that a label counts as its one-hot target does,
and the parts of a batch (accumulation, processes) average to the whole.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sightline.training.recipe.optim import divide_by_decay

PerImage = Callable[[torch.Tensor, torch.Tensor, "Loss"], torch.Tensor]  # logits, targets, settings -> float [N]


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor, loss: "Loss") -> torch.Tensor:
    """Return float [N], from logits [N, C] and targets int64 [N] or float [N, C]."""
    return functional.cross_entropy(
        logits, targets, weight=loss.weights, reduction="none", label_smoothing=loss.label_smoothing
    )


def focal(logits: torch.Tensor, targets: torch.Tensor, loss: "Loss") -> torch.Tensor:
    """Return float [N]: each class's cross-entropy times (1 - p)^gamma (Lin et al., 2017, "Focal Loss")."""
    log_p = functional.log_softmax(logits, dim=1)
    terms = -((1 - log_p.exp()).clamp(min=TINY) ** loss.focal_gamma) * log_p
    if loss.weights is not None:
        terms = terms * loss.weights
    return (terms * loss.smooth(targets, logits.shape[1])).sum(dim=1)


def binary_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, loss: "Loss") -> torch.Tensor:
    """Return float [N]: the mean over classes of one-against-all cross-entropies (Wightman et al., 2021).

    A class weight applies to all terms of an image of that class (Cui et al., 2019).
    """
    soft = loss.smooth(targets, logits.shape[1])
    terms = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none").mean(dim=1)
    if loss.weights is None:
        return terms
    return terms * (as_soft(targets, logits.shape[1]) @ loss.weights)


LOSSES = {"cross_entropy": cross_entropy, "focal": focal, "bce": binary_cross_entropy}
TINY = torch.finfo(torch.float32).eps  # keeps the gradient of x ** gamma finite at x = 0 where gamma < 1


class Loss(nn.Module):
    """A loss of logits [N, C] and targets, averaged over the batch, in float32 whatever the logits are.

    Parameters
    ----------
    per_image : callable
        A value of `LOSSES`, or another that returns each image's loss.
    label_smoothing : float
        In [0, 1): the share of the target that is spread evenly over all classes (Szegedy et al., 2016, "Rethinking
        the Inception Architecture").
    focal_gamma : float
        >= 0, of `focal`; 0 makes it cross-entropy.
    weights : Tensor [C] or None
        One of `class_weights`.
    offsets : Tensor [C] or None
        Added to the logits: those of `logit_offsets`.
    """

    def __init__(
        self,
        per_image: PerImage,
        label_smoothing: float,
        focal_gamma: float,
        weights: torch.Tensor | None,
        offsets: torch.Tensor | None,
    ):
        super().__init__()
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.per_image = per_image
        self.register_buffer("weights", weights)
        self.register_buffer("offsets", offsets)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor, shares: torch.Tensor | None = None) -> torch.Tensor:
        """Return the mean loss, weighted by `shares` [N] where there are some: each part of a batch by its own alone.

        Targets are labels int64 [N] or shares of the classes float [N, C].
        """
        logits = logits.float()
        if self.offsets is not None:
            logits = logits + self.offsets
        losses = self.per_image(logits, targets, self)
        return losses.mean() if shares is None else (losses * shares).sum() / shares.sum()

    def smooth(self, targets: torch.Tensor, classes: int) -> torch.Tensor:
        """Return float [N, classes] with label smoothing."""
        return as_soft(targets, classes) * (1 - self.label_smoothing) + self.label_smoothing / classes


def as_soft(targets: torch.Tensor, classes: int) -> torch.Tensor:
    """Return float [N, classes], from that or from labels int64 [N]."""
    return targets if targets.is_floating_point() else functional.one_hot(targets, classes).float()


def class_weights(name: str, counts: np.ndarray, beta: float) -> torch.Tensor | None:
    """Return a weight for each class whose mean over the training images is 1, so that no learning rate changes.

    Parameters
    ----------
    name : str
        ``none``; ``balanced``: 1 / count, as scikit-learn's class_weight; ``effective_number``:
        (1 - beta) / (1 - beta^count) (Cui et al., 2019, "Class-Balanced Loss Based on Effective Number of Samples").
    counts : ndarray of int [C]
        Training images of each class; a class without any gets the weight of a class with one.
    beta : float
        In [0, 1) of `effective_number`: 0 weighs all alike, towards 1 it becomes `balanced`.

    Returns
    -------
    Tensor of float32 [C], or None for ``none``
    """
    if name == "none":
        return None
    seen = np.maximum(counts, 1).astype(float)
    weights = 1 / seen if name == "balanced" else (1 - beta) / (1 - beta**seen)
    return torch.tensor(weights * counts.sum() / (weights * counts).sum(), dtype=torch.float32)


def weights_by_class(weights: torch.Tensor | None) -> dict[int, float] | None:
    """Return scikit-learn's form of the weights [C] of `class_weights`."""
    return None if weights is None else dict(enumerate(weights.tolist()))


def logit_offsets(tau: float, counts: np.ndarray) -> torch.Tensor | None:
    """Return tau * log(share of each class), float32 [C]; None for tau 0.

    Added to the logits in training only, they leave a classifier for the balanced error (Menon et al., 2021,
    "Long-Tail Learning via Logit Adjustment"). A class without training images counts as if it had one.
    """
    if not tau:
        return None
    return torch.tensor(tau * np.log(np.maximum(counts, 1) / counts.sum()), dtype=torch.float32)


def l1_norm(network: nn.Module) -> torch.Tensor:
    """Return the sum of absolute weights that are trained, without what weight decay spares too."""
    decayed, _ = divide_by_decay(network)
    return torch.stack([weight.abs().sum() for weight in decayed if weight.requires_grad]).sum()
