"""Which part of a network is its head: the layer, or layers, that give the logits."""

from collections.abc import Callable

from torch import nn


def head_matcher(network: nn.Module) -> Callable[[str], bool]:
    """Return a function that tells whether a parameter or buffer of that name belongs to the head.

    The head is what `get_classifier` of timm's networks and of Sightline's own returns; a few of timm's give a tuple.
    """
    found = network.get_classifier()
    heads = found if isinstance(found, tuple) else (found,)
    prefixes = tuple(f"{name}." for name, module in network.named_modules() if any(module is head for head in heads))
    return lambda name: name.startswith(prefixes)
