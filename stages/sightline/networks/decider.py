"""The model as it decides: members, their views, their mean, calibration. What evaluate judges and export writes."""

import torch
from torch import nn

from sightline.networks.calibrated import Calibration, build_calibrator
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.networks.views import ViewAverage


class Decider(nn.Module):
    """Members and calibration as one: uint8 pixels [N, H, W, 3] in, calibrated log-probabilities [N, classes] out.

    Parameters
    ----------
    members : list of Classifier
        Their probabilities are averaged.
    calibration : Calibration
        The content of models/calibration.json, with the test-time augmentation that it was fitted under.
    """

    def __init__(self, members: list[Classifier], calibration: Calibration):
        super().__init__()
        self.members = nn.ModuleList(ViewAverage(member, calibration.tta) for member in members)
        self.calibrator = build_calibrator(calibration)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.calibrator(mean_log_probabilities([member(pixels) for member in self.members]))
