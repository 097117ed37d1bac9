"""The memory layout that a network is trained in, and which layers forbid the fast one."""

import torch
from torch import nn

VECTOR = 16  # numbers in a register of AVX-512; with AVX2 alone they are 8, and only fewer channels than that go wrong


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


def find_unsafe_layer(network: nn.Module) -> str:
    """Return the first layer whose weight's gradient torch computes wrong on processors in channels_last, or "".

    It is a 1 x 1 convolution without groups and padding that takes every second pixel, or less, of few channels. oneDNN
    copies these pixels into memory that it sizes by the channels, but gives each a whole register's room: it writes
    beyond the end, so that numbers are wrong or the process dies, by size and number of threads.
    `benchmarks/convolutions.py` finds such shapes; benchmarks/README.md says what it found.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and is_unsafe(module):
            return f"{name or 'the network'} (1 x 1, stride {max(module.stride)}, {module.in_channels} channels in)"
    return ""


def is_unsafe(layer: nn.Conv2d) -> bool:
    """Tell whether a layer is such a convolution; the sides of its images, which decide too, are left open."""
    reduces = max(layer.stride) > 1 and max(layer.kernel_size) == 1 and layer.groups == 1
    return reduces and layer.in_channels < VECTOR and layer.padding in ((0, 0), "valid")
