"""The memory layout that a network is trained in."""

import torch
from torch import nn

from sightline.networks.classifier import Classifier
from sightline.networks.unsafe import find_unsafe_layer


def lay_out(classifier: Classifier, channels_last: bool, device: torch.device) -> tuple[torch.memory_format, str]:
    """Bring a classifier to a device, in the layout that `choose_layout` returns."""
    layout, note = choose_layout(classifier.network, channels_last, device)
    classifier.to(device).network.to(memory_format=layout)
    return layout, note


def normalized(images: torch.Tensor, classifier: Classifier, layout: torch.memory_format) -> torch.Tensor:
    """Return what `Classifier.normalize` does, in the network's memory layout.

    With mean and deviation of an image's size: in channels_last three numbers take five times as long to apply.
    """
    mean = classifier.mean.expand(1, *images.shape[1:]).contiguous(memory_format=layout)
    std = classifier.std.expand(1, *images.shape[1:]).contiguous(memory_format=layout)
    return ((images - mean) / std).contiguous(memory_format=layout)


def choose_layout(network: nn.Module, channels_last: bool, device: torch.device) -> tuple[torch.memory_format, str]:
    """Return the layout to train in, and why it is another than asked for; empty where it is not.

    On processors the plain one is taken for a network that holds a layer of `find_unsafe_layer`.
    """
    unsafe = find_unsafe_layer(network) if channels_last and device.type == "cpu" else ""
    if unsafe:
        return torch.contiguous_format, (
            f"channels_last: false is taken: on processors torch computes a wrong gradient in that layout for {unsafe}"
        )
    return torch.channels_last if channels_last else torch.contiguous_format, ""
