"""The head of a network: where it is, and how parameters ask for it: a pooling, a hidden layer."""

import torch
from torch import nn

from sightline.common.errors import SightlineError, in_one_line
from sightline.common.params import StrictModel


class Head(StrictModel):
    """What stands between the last maps and the logits.

    Parameters
    ----------
    hidden : int
        Features of a hidden layer with ReLU and dropout before the layer that gives the logits; 0: none.
    pool : str
        How maps become features: ``network``: as the architecture does it; ``avg``, ``max``, ``avgmax`` (the mean of
        both) or ``catavgmax`` (both, side by side), as timm calls them.
    """

    hidden: int
    pool: str


AS_BUILT = Head(hidden=0, pool="network")
REFUSED = (AssertionError, AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)


def shape_head(
    network: nn.Module, head: Head, architecture: str, classes: int, input_size: int, drop_rate: float = 0.0
) -> None:
    """Give a network that `build_network` built another head, with new weights; `AS_BUILT` leaves it as it is.

    Parameters
    ----------
    network : nn.Module
        On the CPU.
    drop_rate : float
        Of the dropout behind the hidden layer, in [0, 1); of no account once training is over.

    Raises
    ------
    SightlineError
        This network's features cannot be pooled so, or its logits do not come out of one linear layer.
    """
    if head.pool != AS_BUILT.pool:
        _pool(network, head.pool, architecture, classes, input_size)
    if head.hidden:
        _widen(network, head.hidden, architecture, classes, drop_rate)


def list_heads(network: nn.Module) -> list[list[nn.Module]]:
    """Return the heads of a network, and of each the layers that give its logits side by side: one in most of them.

    timm's networks that learnt from a teacher have two heads, whose logits are averaged, and a few sum the logits of
    layers that see different features. One of neither timm nor Sightline's networks has none.
    """
    heads = network.get_classifier() if hasattr(network, "get_classifier") else ()
    heads = heads if isinstance(heads, tuple | list) else (heads,)
    return [list(head) if isinstance(head, nn.ModuleList) else [head] for head in heads if isinstance(head, nn.Module)]


def _pool(network: nn.Module, pool: str, architecture: str, classes: int, input_size: int) -> None:
    """Let timm, which knows each of its networks, exchange pooling and head; a forward pass tells what it missed."""
    training = network.training
    try:
        network.reset_classifier(classes, pool)
        with torch.no_grad():
            network.eval()(torch.zeros(1, network.image_channels, input_size, input_size))
    except REFUSED as error:
        raise SightlineError(
            f"params.yaml: head.pool: {architecture} cannot pool by {pool} ({in_one_line(error)}): use `network`"
        ) from None
    network.train(training)


def _widen(network: nn.Module, hidden: int, architecture: str, classes: int, rate: float) -> None:
    last = network.get_classifier() if hasattr(network, "get_classifier") else None
    if not isinstance(last, nn.Linear):
        raise SightlineError(
            f"params.yaml: head.hidden: {architecture} does not end in one linear layer, before which another could "
            "stand: use 0"
        )
    parent, _, name = next(name for name, module in network.named_modules() if module is last).rpartition(".")
    layers = nn.Linear(last.in_features, hidden), nn.ReLU(), nn.Dropout(rate), nn.Linear(hidden, classes)
    setattr(network.get_submodule(parent), name, nn.Sequential(*layers))
