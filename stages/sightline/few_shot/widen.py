"""Members with one class more: their networks stay, and their heads get a row."""

import numpy as np
import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.images.sources.names import MISSING
from sightline.networks.calibration import NUMBERS, Calibration
from sightline.networks.classifier import Classifier
from sightline.networks.saved import ModelSpec
from sightline.preparing.checks import appearance
from sightline.training.heads.imprint import imprint
from sightline.training.heads.prototypes import Prototypes
from sightline.training.recipe.probe import Features

LONGEST_NAME = 200  # bytes: file systems end a folder's name at 255
PARTS = 5  # at most, of the given images, each of which is left out in turn


def refuse_unsuitable(name: str, spec: ModelSpec, calibration: Calibration) -> None:
    """Raise SightlineError where a model cannot get a class of this name."""
    known = [other for other in spec.classes if appearance(other) == appearance(name)]
    if known:
        raise SightlineError(
            f"add-class: the model knows {known[0]!r} already: give the class another name, or add its images to "
            "prepare.source and train"
        )
    if not name or name.startswith(".") or "/" in name or not name.isprintable() or name.lower() in MISSING:
        raise SightlineError(
            f"add-class: {name!r} is no name of a class: give one of letters, without / and leading dots"
        )
    if len(name.encode()) > LONGEST_NAME:
        raise SightlineError(f"add-class: {name[:20]!r}... is too long for a folder's name: give a shorter one")
    if spec.stack:
        raise SightlineError(
            "add-class: a stack combines the members, and it knows no further class: train with ensemble: mean"
        )
    if calibration.method in NUMBERS:
        raise SightlineError(
            f"add-class: the calibration {calibration.method} has numbers for each class, and none for {name!r}: set "
            "evaluate.calibration: temperature and run `dvc repro evaluate`"
        )


def last_layer(member: Classifier, architecture: str) -> nn.Linear:
    """Return the layer that gives a member's logits; SightlineError where it is not the only one, or not linear."""
    layer = member.network.get_classifier() if hasattr(member.network, "get_classifier") else None
    if not isinstance(layer, nn.Linear) or layer.bias is None:
        raise SightlineError(
            f"add-class: the logits of {architecture} are not the output of one linear layer, to which a class could "
            "be added: add its images to prepare.source and train"
        )
    return layer


def widen(layer: nn.Linear, old: Features, new: np.ndarray) -> Prototypes:
    """Return a head with one row more, for images whose features [n, features] are `new`, n > 0.

    Parameters
    ----------
    layer : nn.Linear
        The head as it is.
    old : Features
        Training images of the classes that it knows.
    """
    weight = layer.weight.detach().double().cpu().numpy()
    bias = layer.bias.detach().double().cpu().numpy()
    head = Prototypes(np.vstack([weight, np.zeros_like(weight[:1])]), np.append(bias, 0.0))
    labels = np.concatenate([old.labels, np.full(len(new), len(weight))])
    return imprint(head, np.arange(len(weight)), Features(np.concatenate([old.values, new]), labels))


def widen_weights(network: nn.Module, layer: nn.Linear, head: Prototypes) -> dict[str, torch.Tensor]:
    """Return a network's state dict with this head in the place of its last layer."""
    name = next(path for path, module in network.named_modules() if module is layer)
    rows = {
        f"{name}.weight": torch.from_numpy(head.weight).float(),
        f"{name}.bias": torch.from_numpy(head.bias).float(),
    }
    return network.state_dict() | rows


def count_recognised(layer: nn.Linear, old: Features, new: np.ndarray) -> int | None:
    """Return how many of the new images a head takes for the new class that was made without them; None for one image.

    In up to five parts, each of which is left out in turn.
    """
    if len(new) == 1:
        return None
    parts = np.arange(len(new)) % PARTS
    right = 0
    for part in np.unique(parts):
        head = widen(layer, old, new[parts != part])
        logits = new[parts == part] @ head.weight.T + head.bias
        right += int((logits.argmax(axis=1) == len(head.bias) - 1).sum())
    return right
