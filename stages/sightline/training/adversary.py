"""Adversarial training: the network learns from images that were changed to mislead it as it is at that step."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from sightline.networks.attacks import climb
from sightline.networks.memory import evaluated
from sightline.parameters.sections import AdversarialSection
from sightline.training.recipe.losses import Loss

Change = Callable[[torch.Tensor], torch.Tensor]


class Adversary:
    """What `adversarial.method` names.

    Parameters
    ----------
    settings : AdversarialSection
        ``pgd``: the network learns from attacked images alone (Madry et al., 2018, "Towards Deep Learning Models
        Resistant to Adversarial Attacks"). ``trades``: from the images as they are, and to say the same of attacked
        ones (Zhang et al., 2019, "Theoretically Principled Trade-off between Robustness and Accuracy"); both go through
        the network side by side, so that batch norms see both.
    loss : Loss
        Of the labels.
    """

    def __init__(self, settings: AdversarialSection, loss: Loss):
        self.settings = settings
        self.of_labels = loss

    def change(
        self, network: nn.Module, normalize: Change, images: torch.Tensor, targets: torch.Tensor, start: torch.Tensor
    ) -> torch.Tensor:
        """Return what the network learns from: attacked images [N, ...], with ``trades`` behind the images [2 N, ...].

        Parameters
        ----------
        network : nn.Module
            It is attacked as it predicts, so that batch statistics and dropout have no part in it, and left as it was.
        normalize : callable
            Makes of images in [0, 1] what the network takes.
        images : Tensor of float [N, C, H, W]
            In [0, 1].
        targets : Tensor
            Labels int64 [N] or shares of the classes float [N, classes].
        start : Tensor
            Where attacks begin, from `draw_start`.
        """
        with evaluated(network):
            if self.settings.method == "pgd":
                return self._climb(lambda tried: _against(network(normalize(tried)), targets), images, start)
            with torch.no_grad():
                own = functional.log_softmax(network(normalize(images)).float(), dim=1)
            attacked = self._climb(lambda tried: _apart(network(normalize(tried)), own).sum(), images, start)
            return torch.cat([images, attacked])

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss to minimise, from the logits of what `change` gave."""
        if self.settings.method == "pgd":
            return self.of_labels(logits, targets)
        plain, attacked = logits.chunk(2)
        apart = _apart(attacked, functional.log_softmax(plain.float(), dim=1)).mean()
        return self.of_labels(plain, targets) + self.settings.trades_beta * apart

    def _climb(self, loss: Change, images: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        return climb(loss, images, start, self.settings.epsilon / 255, self.settings.steps)


def make_adversary(settings: AdversarialSection, loss: Loss) -> Adversary | None:
    """Return what makes the training adversarial; None where it is not."""
    return None if settings.method == "none" else Adversary(settings, loss)


def _against(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits.float(), targets, reduction="sum")


def _apart(logits: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Return the Kullback-Leibler divergence [N] of what is said of attacked images from log-probabilities `own`."""
    said = functional.log_softmax(logits.float(), dim=1)
    return functional.kl_div(said, own, reduction="none", log_target=True).sum(dim=1)
