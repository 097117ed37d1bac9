"""Small changes of an image that are made to mislead the network, within a largest change of each value."""

from collections.abc import Callable

import torch
from torch.nn import functional

from sightline.networks.attacks import ascend, climb, draw_start
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.stack import Mean, Stack, combine

Score = Callable[[torch.Tensor], torch.Tensor]  # images float [N, 3, H, W] in [0, 1] -> log-probabilities [N, classes]


def score_with(members: list[Classifier], stack: Stack | Mean | None = None) -> Score:
    """Return the ensemble's scores of images that are already scaled to the network's input."""
    return lambda images: combine([member.network(member.normalize(images)) for member in members], stack)


def have_gradients(decider: Decider) -> bool:
    """Tell whether all scores follow from the images by something that can be differentiated."""
    return all(getattr(view.classifier.network, "has_gradients", True) for view in decider.members)


def fgsm(score: Score, images: torch.Tensor, labels: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Go once by `epsilon` against the label.

    Goodfellow et al., 2015, "Explaining and Harnessing Adversarial Examples".

    Parameters
    ----------
    images : torch.Tensor
        float [N, 3, H, W] in [0, 1].
    labels : torch.Tensor
        int64 [N].
    epsilon : float
        Largest change of a value, in [0, 1].
    """
    return (images + epsilon * ascend(_loss(score, labels), images)).clamp(0, 1)


def pgd(
    score: Score, images: torch.Tensor, labels: torch.Tensor, epsilon: float, steps: int, stream: torch.Generator
) -> torch.Tensor:
    """Go `steps` times against the label from a random start, never farther than `epsilon`.

    Madry et al., 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks"; arguments as in `fgsm`.
    """
    return climb(_loss(score, labels), images, draw_start(images.shape, stream, images.device), epsilon, steps)


def _loss(score: Score, labels: torch.Tensor) -> Score:
    return lambda images: functional.nll_loss(score(images), labels, reduction="sum")


ATTACKS = {
    "fgsm": lambda score, images, labels, epsilon, steps, stream: fgsm(score, images, labels, epsilon),
    "pgd": pgd,
}
