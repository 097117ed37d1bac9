"""What the network has said of each training image so far, which contradicts wrong labels before they are learnt."""

from typing import Any

import torch
from torch.nn import functional

from sightline.training.recipe.losses import Loss, as_soft

LEAST = 1e-4  # of a class's probability, so that logarithms stay finite
WARM_UP = 0.2  # of the epochs that `reweight` learns from the labels as they are: the paper's 60 of 300


class EarlyLearning:
    """`noise: elr`, early-learning regularisation (Liu et al., 2020).

    "Early-Learning Regularization Prevents Memorization of Noisy Labels": networks learn right labels before they know
    wrong ones by heart, so the loss rewards what is still said as it was said before. The factors are those of the
    paper for CIFAR-10 with symmetric noise.

    Parameters
    ----------
    loss : Loss
        Of the labels.
    labels : Tensor of int64 [images]
        Given ones, on the device.
    classes : int
        How many there are.
    epochs : int
        Of the whole training.
    """

    keeps = 0.7  # of the average, at each new prediction
    factor = 3.0  # of the reward beside the loss

    def __init__(self, loss: Loss, labels: torch.Tensor, classes: int, epochs: int):
        self.loss = loss
        self.said = torch.zeros((len(labels), classes), device=labels.device)

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor, rows: torch.Tensor, epoch: int) -> torch.Tensor:
        """Return the loss, and remember the predictions.

        Parameters
        ----------
        logits : Tensor of float [N, classes]
        targets : Tensor of int64 [N]
        rows : Tensor of int64 [N]
            Which images these are, on the device.
        """
        predicted = functional.softmax(logits.float(), dim=1).clamp(LEAST, 1 - LEAST)
        new = predicted.detach() / predicted.detach().sum(dim=1, keepdim=True)
        self.said[rows] = self.keeps * self.said[rows] + (1 - self.keeps) * new
        agreement = (self.said[rows] * predicted).sum(dim=1)
        return self.loss(logits, targets) + self.factor * torch.log1p(-agreement).mean()

    def state_dict(self) -> dict[str, Any]:
        """Return what was said, float32 [images, classes], on the CPU."""
        return {"said": self.said.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.said.copy_(state["said"])


class SelfAdaptive(EarlyLearning):
    """`noise: reweight`, self-adaptive training (Huang et al., 2020, "Self-Adaptive Training").

    After a warm-up on the labels the network learns the average of the label and its predictions since then; an image
    counts as much as the most probable class of that average, so that those count less on which it wavers.
    """

    keeps = 0.9

    def __init__(self, loss: Loss, labels: torch.Tensor, classes: int, epochs: int):
        super().__init__(loss, labels, classes, epochs)
        self.said = as_soft(labels.long(), classes)
        self.first = round(WARM_UP * epochs)

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor, rows: torch.Tensor, epoch: int) -> torch.Tensor:
        """Return the loss, and, after the warm-up, remember the predictions; the labels of `targets` are known."""
        if epoch < self.first:
            return self.loss(logits, targets)
        predicted = functional.softmax(logits.detach().float(), dim=1)
        self.said[rows] = self.keeps * self.said[rows] + (1 - self.keeps) * predicted
        average = self.said[rows]
        return self.loss(logits, average, average.amax(dim=1))


MEMORIES = {"elr": EarlyLearning, "reweight": SelfAdaptive}  # noise -> what remembers
