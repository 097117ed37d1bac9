"""What is exported: the model as trained, or without its smallest weights, so that the files compress better."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune

from sightline.deployment.formats import run_decider
from sightline.deployment.parity import compare_probabilities, predict_all, refuse_other_model
from sightline.deployment.source_files import ParityImages
from sightline.networks.decider import Decider


@dataclass(frozen=True)
class Exported:
    """What is exported.

    Parameters
    ----------
    decider : Decider
        Pruned or as trained.
    probabilities : ndarray or None
        float32 [n, classes], torch's for the stored pixels of the compared images; None without images.
    pruning : dict
        Metrics of pruning; empty where it was not tried.
    """

    decider: Decider
    probabilities: np.ndarray | None
    pruning: dict


def choose_decider(
    trained: Decider, images: ParityImages | None, share: float, max_accuracy_drop: float, device: torch.device
) -> Exported:
    """Prune `share` of the weights, in [0, 1), and keep what is pruned where the accuracy allows it.

    torch predicts on `device`; the decider is on the CPU before and after.

    Raises
    ------
    SightlineError
        The probabilities that evaluate wrote are those of another model.
    """
    before = predict_torch(trained, images, device)
    if images and images.compared.evaluated is not None:
        refuse_other_model(images.compared.evaluated, before, images.compared.ids)
    if share == 0 or images is None:
        return Exported(trained, before, {})
    pruned = prune_smallest(trained, share)
    after = predict_torch(pruned, images, device)
    pruning = describe_pruning(share, before, after, images.compared.labels, max_accuracy_drop)
    if pruning["kept"]:
        return Exported(pruned, after, {"pruning": pruning})
    return Exported(trained, before, {"pruning": pruning})


def predict_torch(decider: Decider, images: ParityImages | None, device: torch.device) -> np.ndarray | None:
    """Return torch's probabilities of the stored pixels; None without images."""
    if images is None:
        return None
    predicted = predict_all({"torch": run_decider(decider, device)}, images.stored(), len(images.compared.ids))
    decider.cpu()
    return predicted["torch"]


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
    accuracy_before = compare_probabilities(before, before, labels)["accuracy"]
    accuracy_after = compare_probabilities(before, after, labels)["accuracy"]
    kept = accuracy_before - accuracy_after <= max_accuracy_drop
    return {"share": share, "kept": kept, "accuracy_before": accuracy_before, "accuracy_after": accuracy_after}
