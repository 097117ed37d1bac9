"""What a network makes of an image just before it decides: the input of its last layer, taken while it predicts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from sightline.networks.decider import ViewAverage

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
    seen: list[torch.Tensor] = []  # of each view
    handles = [
        member.register_forward_pre_hook(lambda module, inputs: seen.clear()),  # what an attempt left that failed
        layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])),
        member.register_forward_hook(lambda module, inputs, scores: take(_to_array(seen[0]))),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _to_array(embeddings: torch.Tensor) -> np.ndarray:
    return embeddings.detach().float().flatten(start_dim=1).cpu().numpy()
