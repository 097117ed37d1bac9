"""Handcrafted features with a classical classifier, as a network like any other: images in, logits out."""

import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.handcrafted.features import FEATURES, to_levels
from sightline.networks.architectures.handcrafted.heads import HEADS


def is_handcrafted(architecture: str) -> bool:
    """Tell whether a model's name means handcrafted features, such as ``hog_lbp_color+svm``; no other has a plus."""
    return "+" in architecture


def parse_name(architecture: str) -> tuple[list[str], str]:
    """Return the features and the classifier of a name.

    Raises
    ------
    SightlineError
        The features are not some of hog, lbp and color in this order, or the classifier is unknown.
    """
    descriptors, _, classifier = architecture.partition("+")
    features = descriptors.split("_")
    if features != [name for name in FEATURES if name in features] or classifier not in HEADS:
        raise SightlineError(
            f"params.yaml: model: no features and classifier are called {architecture!r}: join some of "
            f"{', '.join(FEATURES)}, in this order, by _, then + and one of {', '.join(HEADS)}"
        )
    return features, classifier


class HandcraftedNetwork(nn.Module):
    """Features, their standardisation, a classical classifier, and the calibration of its scores.

    Takes float [N, channels, H, W] in [0, 1], not normalised, H and W of at least 4; gives logits [N, classes], so that
    softmax gives calibrated probabilities. Before it is fitted or loaded, it gives the same logit to every class. It
    has no feature maps, hence no `feature_info`.

    Parameters
    ----------
    architecture : str
        Such as ``hog_lbp_color+svm``.
    """

    takes_normalized = False  # features compare whole levels, and flat areas are flat only there
    has_gradients = False  # levels are rounded and compared: no slope leads from a score back to a pixel

    def __init__(self, architecture: str, classes: int, channels: int = 3):
        super().__init__()
        self.architecture = architecture
        self.classes = classes
        self.features, self.classifier = parse_name(architecture)
        if channels == 1 and "color" in self.features:
            raise SightlineError(f"params.yaml: model: {architecture}: prepare.channels: 1 has no color: leave it out")
        width = sum(FEATURES[name][1] for name in self.features)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.head = HEADS[self.classifier](classes, width)
        self.register_buffer("temperature", torch.tensor(1.0))
        self.register_buffer("bias", torch.zeros(classes))  # far below 0 for a class without training images

    def describe(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features float32 [N, D], not yet standardised."""
        levels = to_levels(images)
        return torch.cat([FEATURES[name][0](levels) for name in self.features], dim=1)

    def standardize(self, features: torch.Tensor) -> torch.Tensor:
        return (features - self.mean) * self.scale

    def calibrate(self, scores: torch.Tensor) -> torch.Tensor:
        return scores / self.temperature + self.bias

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.calibrate(self.head(self.standardize(self.describe(images))))
