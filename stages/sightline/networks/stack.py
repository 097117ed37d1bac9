"""How members decide together: folds by a pool of their log-probabilities, architectures by their mean or a stack."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.networks.classifier import mean_log_probabilities
from sightline.networks.saved import Member, ModelSpec, read_weights

LEAST = 1e-6  # of a probability before its logarithm: a class that a network rules out must not outweigh all else
RULED_OUT = 1e-12  # the same where folds are pooled, whose scores must otherwise stay as they are calibrated
PARTS = 5  # of validation images without folds, for which the regression is fitted on the others


class Mean(nn.Module):
    """The mean of the architectures' probabilities, whose folds are pooled before.

    Takes the members' scores, a list of [N, classes], and gives log-probabilities [N, classes].

    Parameters
    ----------
    members : list of Member
        In the order of their scores. Those without a fold are averaged, whatever their architecture.
    """

    def __init__(self, members: list[Member]):
        super().__init__()
        names = [place if member.fold is None else member.architecture for place, member in enumerate(members)]
        self.groups = _group(names)

    def forward(self, scores: list[torch.Tensor]) -> torch.Tensor:
        return mean_log_probabilities(_pool_groups(scores, self.groups))


class Stack(nn.Module):
    """Multinomial logistic regression on log-probabilities (Wolpert, 1992, "Stacked Generalization").

    Takes the members' scores, a list of [N, classes], and gives log-probabilities [N, classes]. The members of one
    architecture, which differ in their fold, enter pooled.

    Parameters
    ----------
    architectures : list of str
        Of each member.
    weight : torch.Tensor
        float32 [classes, inputs], where inputs = classes x architectures, in the order in which these first appear.
    bias : torch.Tensor
        float32 [classes].
    """

    def __init__(self, architectures: list[str], weight: torch.Tensor, bias: torch.Tensor):
        super().__init__()
        self.groups = _group(architectures)
        self.regression = nn.Linear(weight.shape[1], weight.shape[0])
        self.regression.load_state_dict({"weight": weight, "bias": bias})
        self.requires_grad_(False)

    def forward(self, scores: list[torch.Tensor]) -> torch.Tensor:
        inputs = stack_inputs(_pool_groups(scores, self.groups))
        return functional.log_softmax(self.regression(inputs), dim=1)


@dataclass(frozen=True)
class Stacks:
    """What combines all members, and for each part of the held-out images the stack that was fitted on the other parts.

    Those of `held_out` (none where the members are averaged) take the scores of one member an architecture: the ones
    that did not train on the part.
    """

    whole: Stack | Mean
    held_out: list[Stack]

    def score_held_out(self, scores: list[torch.Tensor], parts: np.ndarray) -> torch.Tensor:
        """Return log-probabilities [N, classes] of images in these parts, int [N], by stacks that did not see them."""
        combined = torch.empty_like(scores[0])
        for part in np.unique(parts):
            images = torch.from_numpy(np.flatnonzero(parts == part))
            combined[images] = self.held_out[part]([of_network[images] for of_network in scores])
        return combined


def stack_inputs(scores: list[torch.Tensor]) -> torch.Tensor:
    """Return what the regression sees: log-probabilities [N, classes] of each architecture, bounded, side by side."""
    return torch.cat(scores, dim=1).clamp(min=float(np.log(LEAST)))


def pool_folds(logits: list[torch.Tensor]) -> torch.Tensor:
    """Return the log-probabilities [N, classes] whose logarithms are the mean of the members', up to a constant.

    The logarithmic opinion pool (Genest and Zidek, 1986, "Combining Probability Distributions"). Calibration is fitted
    on images that a single member predicts, and this pool is about as sure as its members, while the mean of
    probabilities that are calibrated one by one is surely not sure enough (Ranjan and Gneiting, 2010, "Combining
    Probability Forecasts"). One temperature for the pool is the same as one for each member.
    """
    floor = float(np.log(RULED_OUT))
    log_probabilities = [functional.log_softmax(scores, dim=1).clamp(min=floor) for scores in logits]
    return functional.log_softmax(torch.stack(log_probabilities).mean(dim=0), dim=1)


def combine(scores: list[torch.Tensor], stack: Stack | Mean | None) -> torch.Tensor:
    """Return the ensemble's log-probabilities [N, classes]; without `stack` those of the members' mean probability."""
    return mean_log_probabilities(scores) if stack is None else stack(scores)


def assign_parts(labels: np.ndarray, fold: int | None) -> np.ndarray:
    """Return the part, int [N], of held-out images of one fold: its number; in turn within each class without folds."""
    if fold is not None and fold >= 0:
        return np.full(len(labels), fold)
    order = np.argsort(labels, kind="stable")
    parts = np.empty(len(labels), dtype=np.int64)
    parts[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])  # from the class's first
    return parts % PARTS


def load_stacks(folder: str | Path, spec: ModelSpec) -> Stacks:
    """Load the stack that model.json names, on the CPU; the mean where it names none.

    Raises
    ------
    SightlineError
        The file is missing, or belongs to other members.
    """
    if spec.stack is None:
        return Stacks(Mean(spec.members).eval(), [])
    path = Path(folder) / spec.stack
    members = [member.architecture for member in spec.members]
    names = list(dict.fromkeys(members))
    tensors = read_weights(path)
    weights, biases = (tensors.get(name, torch.empty(0)) for name in ("weight", "bias"))
    wanted = (len(spec.classes), len(spec.classes) * len(names))
    if tuple(weights.shape[1:]) != wanted or biases.shape != weights.shape[:2]:
        raise SightlineError(f"{path}: not fitted to the members in model.json: run `dvc repro train`")
    held_out = [Stack(names, weight, bias).eval() for weight, bias in zip(weights[1:], biases[1:], strict=True)]
    return Stacks(Stack(members, weights[0], biases[0]).eval(), held_out)


def load_stack(folder: str | Path, spec: ModelSpec) -> Stack | Mean:
    """Load only what combines all members, as `load_stacks`."""
    return load_stacks(folder, spec).whole


def _group(names: list) -> list[list[int]]:
    """Return the places of each name, in the order in which the names first appear."""
    return [[place for place, own in enumerate(names) if own == name] for name in dict.fromkeys(names)]


def _pool_groups(scores: list[torch.Tensor], groups: list[list[int]]) -> list[torch.Tensor]:
    """Return log-probabilities [N, classes] of each group: its member's, or where there are several their pool's."""
    return [
        functional.log_softmax(scores[group[0]], dim=1) if len(group) == 1 else pool_folds([scores[at] for at in group])
        for group in groups
    ]
