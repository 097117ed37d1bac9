"""The model as it decides: members, views, their mean or stack, calibration. What evaluate judges and export writes."""

import torch
from torch import nn

from sightline.networks.calibrated import Calibration, build_calibrator
from sightline.networks.classifier import Classifier
from sightline.networks.stack import Stack, combine
from sightline.networks.views import ViewAverage


class Decider(nn.Module):
    """Members and calibration as one: uint8 pixels [N, H, W, 3] in, calibrated log-probabilities [N, classes] out.

    Parameters
    ----------
    members : list of Classifier
        What decides together.
    calibration : Calibration
        The content of models/calibration.json, with the test-time augmentation that it was fitted under.
    stack : Stack or None
        Combines the members' probabilities; None: their mean.
    """

    def __init__(self, members: list[Classifier], calibration: Calibration, stack: Stack | None = None):
        super().__init__()
        self.members = nn.ModuleList(ViewAverage(member, calibration.tta) for member in members)
        self.stack = stack
        self.calibrator = build_calibrator(calibration)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.calibrator(combine([member(pixels) for member in self.members], self.stack))
