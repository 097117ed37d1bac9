"""Test-time augmentation: several views of each image, whose probabilities are averaged; part of the exported graph."""

import torch
from torch import nn

from sightline.networks.classifier import Classifier, mean_log_probabilities

CROPPED = 7 / 8  # side of a crop, where the network takes the whole stored image


class ViewAverage(nn.Module):
    """A classifier that looks at several views: uint8 pixels [N, H, W, 3] in, log-probabilities [N, classes] out.

    Parameters
    ----------
    classifier : Classifier
        Sees each view.
    tta : str
        A key of `VIEWS`. With ``none`` this is the classifier itself, its scores normalised.
    """

    def __init__(self, classifier: Classifier, tta: str):
        super().__init__()
        self.classifier = classifier
        self.tta = tta

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        views = VIEWS[self.tta](pixels, self.classifier.input_size)
        return mean_log_probabilities([self.classifier(view) for view in views])


def plain(pixels: torch.Tensor, input_size: int) -> list[torch.Tensor]:
    """Return the pixels as they are."""
    return [pixels]


def mirrored(pixels: torch.Tensor, input_size: int) -> list[torch.Tensor]:
    """Return the pixels, and the pixels mirrored left to right."""
    return [pixels, pixels.flip(2)]


def five_crops(pixels: torch.Tensor, input_size: int) -> list[torch.Tensor]:
    """Return the whole image and its four corners.

    A corner has the side that the network takes; where the stored image is no larger, 7/8 of its side, which the
    classifier enlarges again.
    """
    height, width = pixels.shape[1:3]
    side = input_size if input_size < min(height, width) else round(CROPPED * min(height, width))
    tops, lefts = (0, height - side), (0, width - side)
    return [pixels] + [pixels[:, top : top + side, left : left + side] for top in tops for left in lefts]


VIEWS = {"none": plain, "flip": mirrored, "multi_crop": five_crops}
