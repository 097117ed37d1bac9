"""From a network's scores to calibrated probabilities: one torch module, so that the exported graph holds it too."""

import itertools
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import nn
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.common.files import read_record, remedy
from sightline.common.params import StrictModel

STEEPEST = 1e-6  # a step of an isotonic curve is at least this wide, so that float32 can divide by it
LEAST = 1e-30  # of a probability before its logarithm
NUMBERS = {"vector": ("scale", "bias"), "isotonic": ("curves",)}  # method -> its fields of one number or curve a class


class IsotonicCurve(StrictModel):
    """A class's rising curve from network's to calibrated probability, straight between its points."""

    x: list[float] = Field(min_length=1)
    y: list[float] = Field(min_length=1)

    @model_validator(mode="after")
    def points_are_pairs(self) -> "IsotonicCurve":
        if len(self.x) != len(self.y):
            raise ValueError(f"a curve has {len(self.x)} x but {len(self.y)} y")
        return self


class Conformal(StrictModel):
    """Prediction sets: by which score, for which coverage, and the largest score that enters a set (None: all do)."""

    method: Literal["lac", "aps"]
    coverage: float
    threshold: float | None = None


class Calibration(StrictModel):
    """The content of models/calibration.json: all that was fitted on validation images, and how a decision is made.

    `temperature` is 1 unless the method is temperature. Vector scaling has `scale` and `bias`, one number a class;
    isotonic calibration has `curves`, one a class, and `doubt`, the weight of the network's own probability.
    """

    method: Literal["none", "temperature", "vector", "isotonic"]
    temperature: float = Field(gt=0)
    scale: list[float] | None = None
    bias: list[float] | None = None
    curves: list[IsotonicCurve] | None = None
    doubt: float = 0.0
    images: int
    note: str | None = None
    tta: Literal["none", "flip", "multi_crop"] = "none"
    min_confidence: float = 0.0
    conformal: Conformal | None = None

    @model_validator(mode="after")
    def method_has_its_numbers(self) -> "Calibration":
        lengths = {len(getattr(self, name) or []) for name in NUMBERS.get(self.method, ())}
        if 0 in lengths or len(lengths) > 1:
            raise ValueError(f"{self.method} needs {' and '.join(NUMBERS[self.method])}, one a class")
        return self


def read_calibration(path: str | Path = "models/calibration.json", classes: int | None = None) -> Calibration:
    """Read calibration.json, refusing one that an incompatible version wrote, or of another number of classes."""
    calibration = read_record(Calibration, path)
    for name in NUMBERS.get(calibration.method, ()):
        found = len(getattr(calibration, name))
        if classes not in {None, found}:
            raise SightlineError(f"{path}: {name} is of {found} classes, the model of {classes}: {remedy(path)}")
    return calibration


def build_calibrator(calibration: Calibration) -> nn.Module:
    """Return a module from log-probabilities [N, classes] to calibrated log-probabilities [N, classes]."""
    return CALIBRATORS[calibration.method](calibration)


class TemperatureScaling(nn.Module):
    """Divides the scores by one number (Guo et al., 2017, "On Calibration of Modern Neural Networks")."""

    def __init__(self, calibration: Calibration):
        super().__init__()
        self.temperature = calibration.temperature

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return functional.log_softmax(scores / self.temperature, dim=1)


class VectorScaling(nn.Module):
    """Gives each class's score a factor and a shift of its own (Guo et al., 2017)."""

    def __init__(self, calibration: Calibration):
        super().__init__()
        self.register_buffer("scale", torch.tensor(calibration.scale), persistent=False)
        self.register_buffer("bias", torch.tensor(calibration.bias), persistent=False)

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return functional.log_softmax(functional.log_softmax(scores, dim=1) * self.scale + self.bias, dim=1)


class IsotonicCalibration(nn.Module):
    """Maps each class's probability along a rising curve, then makes them add up to 1 again.

    Zadrozny and Elkan, 2002, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates". The
    curve is a sum of ramps, which every runtime has; the network's own probability enters with the weight `doubt`,
    so that no class is impossible and equal levels keep the network's order.
    """

    def __init__(self, calibration: Calibration):
        super().__init__()
        ramps = [_ramps(curve) for curve in calibration.curves]
        longest = max(len(of_class) for of_class in ramps)
        padded = [of_class + [(0.0, 1.0, 0.0)] * (longest - len(of_class)) for of_class in ramps]
        table = torch.tensor(padded, dtype=torch.float64).reshape(len(ramps), longest, 3).float()
        self.register_buffer("base", torch.tensor([curve.y[0] for curve in calibration.curves]), persistent=False)
        for number, name in enumerate(("start", "width", "rise")):
            self.register_buffer(name, table[:, :, number].contiguous(), persistent=False)
        self.doubt = calibration.doubt

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        own = functional.softmax(scores, dim=1)
        share = ((own.unsqueeze(2) - self.start) / self.width).clamp(0, 1)  # [N, classes, ramps]
        levels = self.base + (share * self.rise).sum(dim=2)
        mixed = ((1 - self.doubt) * levels + self.doubt * own).clamp(min=LEAST)
        return torch.log(mixed / mixed.sum(dim=1, keepdim=True))


def _ramps(curve: IsotonicCurve) -> list[tuple[float, float, float]]:
    """Return where each rise begins, how wide and how high it is."""
    points = list(zip(curve.x, curve.y, strict=True))
    steps = itertools.pairwise(points)
    return [(x, max(right - x, STEEPEST), top - y) for (x, y), (right, top) in steps if top > y]


CALIBRATORS = {
    "none": TemperatureScaling,
    "temperature": TemperatureScaling,
    "vector": VectorScaling,
    "isotonic": IsotonicCalibration,
}
