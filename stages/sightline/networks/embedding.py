"""What a network makes of an image just before it decides: the input of its last layer, taken while it predicts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from sightline.networks.architectures.head import list_heads
from sightline.networks.decider import ViewAverage

Take = Callable[[np.ndarray], None]


def last_layers(network: nn.Module) -> list[nn.Module]:
    """Return the layers that give the logits, of several heads those of the first; none where it has none to name."""
    heads = list_heads(network)
    return [layer for layer in heads[0] if any(True for _ in layer.parameters())] if heads else []


@contextmanager
def watching(member: ViewAverage, take: Take) -> Iterator[None]:
    """Give `take` the embeddings, float32 [batch, features], of each batch that the member predicts inside the block.

    Of several views of an image, the first is taken; what several layers take lies side by side. A network without a
    last layer, or with one that it does not call, gives nothing.
    """
    seen: dict[nn.Module, torch.Tensor] = {}  # what each layer takes of the first view

    def see(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.setdefault(layer, inputs[0])

    def give(member: nn.Module, inputs: tuple[torch.Tensor, ...], scores: torch.Tensor) -> None:
        if seen:
            take(np.concatenate([_to_array(embeddings) for embeddings in seen.values()], axis=1))

    handles = [
        member.register_forward_pre_hook(lambda *_: seen.clear()),  # what an attempt left that failed
        *(layer.register_forward_pre_hook(see) for layer in last_layers(member.classifier.network)),
        member.register_forward_hook(give),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _to_array(embeddings: torch.Tensor) -> np.ndarray:
    return embeddings.detach().float().flatten(start_dim=1).cpu().numpy()
