"""Convolutions whose gradient torch computes wrong on processors in channels_last."""

from torch import nn

VECTOR = 16  # numbers in a register of AVX-512; with AVX2 alone they are 8, and only fewer channels than that go wrong


def find_unsafe_layer(network: nn.Module) -> str:
    """Return the first layer whose weight's gradient torch computes wrong on processors in channels_last, or "".

    It is a 1 x 1 convolution without groups and padding that takes every second pixel, or less, of few channels. oneDNN
    copies these pixels into memory that it sizes by the channels, but gives each a whole register's room: it writes
    beyond the end, so that numbers are wrong or the process dies, by size and number of threads.
    `benchmarks/convolutions.py` finds such shapes; benchmarks/README.md says what it found.
    """
    for name, module in network.named_modules():
        if is_unsafe(module):
            return f"{name or 'the network'} (1 x 1, stride {max(module.stride)}, {module.in_channels} channels in)"
    return ""


def is_unsafe(layer: nn.Module) -> bool:
    """Tell whether a layer is such a convolution; the sides of its images, which decide too, are left open."""
    if not isinstance(layer, nn.Conv2d):
        return False
    reduces = max(layer.stride) > 1 and max(layer.kernel_size) == 1 and layer.groups == 1
    return reduces and layer.in_channels < VECTOR and layer.padding in ((0, 0), "valid")
