"""What a network's last layer starts from: zeros, or a logistic regression on what the layers before it see."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.head import list_heads
from sightline.networks.classifier import Classifier


class NotLinearError(SightlineError):
    """The logits of a network are not the output of one linear layer with a bias."""


def zero_head(network: nn.Module) -> None:
    """Set the layer that gives the logits to zero (Kolesnikov et al., 2020, "Big Transfer").

    Every class is then equally likely, so that the first loss is ln C and no random head shakes what is given. Of a
    head of several layers it is the last one, or none would learn; where several heads are averaged or summed, each is.
    """
    for module in chain.from_iterable(list_heads(network)):
        layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        for parameter in layers[-1].parameters() if layers else ():
            nn.init.zeros_(parameter)


def linear_head(network: nn.Module) -> nn.Linear:
    """Return the one linear layer that gives the logits.

    Raises
    ------
    NotLinearError
        The head is something else.
    """
    head = network.get_classifier()
    if not isinstance(head, nn.Linear) or head.bias is None:
        raise _not_linear()
    return head


@torch.inference_mode()
def read_features(classifier: Classifier, batches: Iterable[torch.Tensor], count: int) -> np.ndarray:
    """Return what the last layer gets of each image, float32 [count, features], from batches of uint8 [B, H, W, 3].

    Raises
    ------
    NotLinearError
        The last layer's output is not what the network gives.
    """
    classifier.eval()
    head = linear_head(classifier.network)
    features = np.empty((count, head.in_features), dtype=np.float32)  # joined later, parts would take twice the memory
    done = 0
    with _watching(head) as seen:
        for pixels in batches:
            logits = classifier(pixels)
            if len(seen) != 1 or not torch.equal(logits, seen[0][1]):
                raise _not_linear()
            features[done : done + len(pixels)] = seen.pop()[0].float().cpu().numpy()
            done += len(pixels)
    return features


def set_head(network: nn.Module, weight: np.ndarray, bias: np.ndarray) -> None:
    """Copy a weight [classes, features] and a bias [classes] into the last layer."""
    head = linear_head(network)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        head.bias.copy_(torch.from_numpy(bias))


@contextmanager
def _watching(layer: nn.Linear) -> Iterator[list[tuple[torch.Tensor, torch.Tensor]]]:
    """Collect the layer's inputs and outputs inside the block."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    try:
        yield seen
    finally:
        handle.remove()


def _not_linear() -> NotLinearError:
    return NotLinearError(
        "params.yaml: head_init: what is fitted on features is for networks whose logits are the output of one linear "
        "layer with a bias, which this one's are not: use zero or timm"
    )
