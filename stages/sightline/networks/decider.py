"""The model as it decides: members, views, what combines them, calibration. What evaluate judges and export writes."""

import torch
from torch import nn

from sightline.networks.calibration import Calibration, build_calibrator
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.networks.stack import Mean, Stack, combine

CROPPED = 7 / 8  # side of a crop, where the network takes the whole stored image


class Decider(nn.Module):
    """Members and calibration as one: uint8 pixels [N, H, W, C] in, calibrated log-probabilities [N, classes] out.

    Parameters
    ----------
    members : list of Classifier
        What decides together.
    calibration : Calibration
        The content of models/calibration.json, with the test-time augmentation that it was fitted under.
    stack : Stack, Mean or None
        Combines the members' probabilities; None: their mean, whatever their folds.
    """

    def __init__(self, members: list[Classifier], calibration: Calibration, stack: Stack | Mean | None = None):
        super().__init__()
        self.members = nn.ModuleList(ViewAverage(member, calibration.tta) for member in members)
        self.stack = stack
        self.calibrator = build_calibrator(calibration)

    @property
    def channels(self) -> int:
        """How many channels an image has."""
        return self.members[0].classifier.channels

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.calibrator(combine([member(pixels) for member in self.members], self.stack))


class ViewAverage(nn.Module):
    """A classifier that looks at several views: uint8 pixels [N, H, W, C] in, log-probabilities [N, classes] out.

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


def as_stored(pixels: torch.Tensor, input_size: int) -> list[torch.Tensor]:
    """Return the pixels as they are."""
    return [pixels]


def with_mirror_image(pixels: torch.Tensor, input_size: int) -> list[torch.Tensor]:
    """Return the pixels, and the pixels mirrored left to right."""
    return [pixels, pixels.flip(2)]


def five_crops(pixels: torch.Tensor, input_size: int) -> list[torch.Tensor]:
    """Return the whole image and its four corners.

    A corner has the side that the network takes; where the stored image is no larger, 7/8 of its side, which the
    classifier enlarges again.
    """
    height, width = pixels.shape[1:3]
    side = input_size if input_size < min(height, width) else round(CROPPED * min(height, width))
    tops = (0, height - side)
    lefts = (0, width - side)
    return [pixels] + [pixels[:, top : top + side, left : left + side] for top in tops for left in lefts]


VIEWS = {"none": as_stored, "flip": with_mirror_image, "multi_crop": five_crops}
