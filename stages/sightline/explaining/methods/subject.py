"""What every method is given: one member of the ensemble, from images in [0, 1] to logits, and its settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from sightline.common.seeding import stream_seed
from sightline.explaining.methods.grids import TargetLayer
from sightline.explaining.methods.layers import find_target_layer
from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once


@dataclass(frozen=True)
class Subject:
    """A classifier to explain, and what is known about it.

    Parameters
    ----------
    architecture : str
        Its name in params.yaml.
    classifier : Classifier
        In evaluation mode; its parameters may be frozen.
    layer : TargetLayer or None
        Where class activation maps are read; None where no layer lies on a grid over the image.
    has_gradients : bool
        Whether a logit changes smoothly with the pixels; a forest's does not.
    at_once : int
        Images a forward pass.
    followed_at_once : int
        Images a forward pass whose gradients are followed back.
    """

    architecture: str
    classifier: Classifier
    layer: TargetLayer | None
    has_gradients: bool
    at_once: int
    followed_at_once: int

    @property
    def device(self) -> torch.device:
        """Where the network is, and what it is given must be."""
        return self.classifier.mean.device

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] of images [N, 3, S, S] in [0, 1], S the network's input size."""
        return self.classifier.network(self.classifier.normalize(images))

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities [N, classes], before calibration, of images [N, 3, S, S] in [0, 1]."""
        return self.logits(images).softmax(dim=1)

    def hidden(self) -> torch.Tensor:
        """Return the colour, [1, C, 1, 1] in [0, 1], that stands for nothing: the mean of the training images."""
        return self.classifier.mean


def describe_subject(architecture: str, classifier: Classifier, memory_mb: int) -> Subject:
    """Look at a network once: which layer to read, whether gradients reach its input, how many images fit at once.

    Its parameters are frozen from then on: explanations follow gradients of activations and pixels, and those of
    weights would only take memory.
    """
    side = classifier.input_size
    counts = [images_at_once(classifier, side, memory_mb, backward) for backward in (False, True)]
    classifier.requires_grad_(False)
    return Subject(architecture, classifier, find_target_layer(classifier), _has_gradients(classifier), *counts)


@dataclass(frozen=True)
class Settings:
    """How finely and how often the methods look; each takes what concerns it.

    Parameters
    ----------
    cells : int
        Squares a side that occlusion, lime and kernel_shap hide.
    samples : int
        Images with hidden squares that lime and kernel_shap look at.
    steps : int
        Images between nothing and the image of integrated_gradients; noisy copies of smoothgrad.
    noise : float
        Deviation of smoothgrad's noise, as a share of the image's range of values.
    seed : int
        The experiment's.
    """

    cells: int
    samples: int
    steps: int
    noise: float
    seed: int


@contextmanager
def drawn_from(seed: int, purpose: str) -> Iterator[None]:
    """Let torch's global stream, which captum draws from, be that of one purpose; restored at the end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, f"gradcam/{purpose}"))
        yield


def _has_gradients(classifier: Classifier) -> bool:
    side = classifier.input_size
    images = torch.zeros(1, classifier.channels, side, side, device=classifier.mean.device, requires_grad=True)
    with torch.enable_grad():
        followed = classifier.network(classifier.normalize(images)).requires_grad
    return followed and getattr(classifier.network, "has_gradients", True)  # handcrafted features say that they jump
