"""What a network makes of an image just before it decides: the input of its last layer, taken while it predicts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from sightline.networks.decider import VIEWS, ViewAverage

Take = Callable[[np.ndarray], None]


def last_layer(network: nn.Module) -> nn.Module | None:
    """Return the layer that gives the logits (of several the first), or None where a network has none to name."""
    if not hasattr(network, "get_classifier"):
        return None
    layer = network.get_classifier()
    layer = layer[0] if isinstance(layer, tuple | list) else layer
    return layer if isinstance(layer, nn.Module) and any(True for _ in layer.parameters()) else None


@contextmanager
def watching(member: ViewAverage, take: Take) -> Iterator[None]:
    """Give `take` the embeddings, float32 [batch, features], of each batch that the member predicts inside the block.

    Of several views of an image, the first is taken. A network without a last layer gives nothing.
    """
    layer = last_layer(member.classifier.network)
    if layer is None:
        yield
        return
    views = _count_views(member)
    calls = 0

    def hook(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal calls
        if calls % views == 0:
            take(inputs[0].detach().float().flatten(start_dim=1).cpu().numpy())
        calls += 1

    handle = layer.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _count_views(member: ViewAverage) -> int:
    side = member.classifier.input_size
    return len(VIEWS[member.tta](torch.zeros(1, side, side, 3, dtype=torch.uint8), side))
