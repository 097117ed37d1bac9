"""Magnitude pruning: the smallest weights become 0, so that the exported files compress better."""

import copy

import numpy as np
from torch import nn
from torch.nn.utils import prune

from sightline.deployment.parity import compare
from sightline.networks.decider import Decider


def prune_smallest(decider: Decider, share: float) -> Decider:
    """Return a copy in which `share`, in (0, 1), of each member's convolution and linear weights are 0.

    The smallest over all layers of a member go (Han et al., 2015, "Learning both Weights and Connections for Efficient
    Neural Networks", without the retraining).
    """
    pruned = copy.deepcopy(decider)
    for member in pruned.members:
        weights = [(module, "weight") for module in member.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
        if not weights:  # handcrafted features with a tree, for one
            continue
        prune.global_unstructured(weights, prune.L1Unstructured, amount=share)
        for module, name in weights:
            prune.remove(module, name)
    return pruned


def describe_pruning(
    share: float, before: np.ndarray, after: np.ndarray, labels: np.ndarray, max_accuracy_drop: float
) -> dict[str, float | bool]:
    """Compare probabilities float32 [n, classes] before and after; labels are int [n].

    Returns
    -------
    dict
        share, accuracy_before, accuracy_after, and kept: whether the accuracy fell by no more than allowed.
    """
    found = {name: compare(before, p, labels)["accuracy"] for name, p in (("before", before), ("after", after))}
    kept = found["before"] - found["after"] <= max_accuracy_drop
    return {"share": share, "kept": kept} | {f"accuracy_{name}": value for name, value in found.items()}
