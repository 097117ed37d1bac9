"""Stacking: a regression that weighs architectures by what they get right on images that they did not train on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.networks.classifier import mean_log_probabilities
from sightline.networks.saved import ModelSpec, read_weights

LEAST = 1e-6  # of a probability before its logarithm: a class that a network rules out must not outweigh all else
PARTS = 5  # of validation images without folds, for which the regression is fitted on the others


class Stack(nn.Module):
    """Multinomial logistic regression on log-probabilities (Wolpert, 1992, "Stacked Generalization").

    Takes the members' scores, a list of [N, classes], and gives log-probabilities [N, classes]. The members of one
    architecture, which differ in their fold, enter by their mean.

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
        names = dict.fromkeys(architectures)
        self.groups = [[place for place, own in enumerate(architectures) if own == name] for name in names]
        self.regression = nn.Linear(weight.shape[1], weight.shape[0])
        self.regression.load_state_dict({"weight": weight, "bias": bias})
        self.requires_grad_(False)

    def forward(self, scores: list[torch.Tensor]) -> torch.Tensor:
        means = [mean_log_probabilities([scores[place] for place in group]) for group in self.groups]
        return functional.log_softmax(self.regression(stack_inputs(means)), dim=1)


@dataclass(frozen=True)
class Stacks:
    """The stack of all members, and for each part of the held-out images the one that was fitted on the other parts.

    Those of `held_out` take the scores of one member an architecture: the ones that did not train on the part.
    """

    whole: Stack
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


def combine(scores: list[torch.Tensor], stack: Stack | None) -> torch.Tensor:
    """Return the ensemble's log-probabilities [N, classes]: the stack's, or without one the members' mean."""
    return mean_log_probabilities(scores) if stack is None else stack(scores)


def assign_parts(labels: np.ndarray, fold: int | None) -> np.ndarray:
    """Return the part, int [N], of held-out images of one fold: its number; in turn within each class without folds."""
    if fold is not None and fold >= 0:
        return np.full(len(labels), fold)
    order = np.argsort(labels, kind="stable")
    parts = np.empty(len(labels), dtype=np.int64)
    parts[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])  # from the class's first
    return parts % PARTS


def load_stacks(folder: str | Path, spec: ModelSpec) -> Stacks | None:
    """Load the stack that model.json names, on the CPU; None where it names none.

    Raises
    ------
    SightlineError
        The file is missing, or belongs to other members.
    """
    if spec.stack is None:
        return None
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


def load_stack(folder: str | Path, spec: ModelSpec) -> Stack | None:
    """Load only the stack of all members, as `load_stacks`."""
    stacks = load_stacks(folder, spec)
    return None if stacks is None else stacks.whole
