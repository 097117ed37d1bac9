"""Networks of 3x3 convolutions: one of three, and one of four blocks of two, plain or residual."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from sightline.networks.architectures.own.layers import drop_path, rates_by_depth
from sightline.networks.architectures.own.pooled import PooledNetwork, describe_maps
from sightline.networks.architectures.own.size import AS_DRAWN, Size

WIDTHS = (32, 64, 128, 256)  # channels of the blocks; SimpleCNN stops before the last
SIMPLE_BLOCKS = 3


class SimpleCNN(PooledNetwork):
    """Three 3x3 convolutions (32, 64, 128 channels) with batch norm, ReLU and max pooling, then a linear layer.

    Takes float [N, channels, H, W] with H and W of at least 8, gives logits [N, classes]. 94,762 parameters for
    10 classes.
    """

    def __init__(self, classes: int, drop_rate: float, size: Size = AS_DRAWN, channels: int = 3):
        widths = _widths(size)[:SIMPLE_BLOCKS]
        blocks = nn.Sequential(*(_pooled_convolutions(*pair, size.depth) for pair in pairwise((channels, *widths))))
        last = 3 * size.depth - 1  # before pooling
        maps = describe_maps([f"blocks.{index}.{last}" for index in range(SIMPLE_BLOCKS)], widths, (1, 2, 4))
        super().__init__(blocks, maps, classes, drop_rate)


class CNN(PooledNetwork):
    """Four blocks (32, 64, 128, 256 channels) with max pooling between them, after Simonyan & Zisserman (2015).

    Takes float [N, channels, H, W] with H and W of at least 8, gives logits [N, classes]. 1,175,786 parameters for
    10 classes. Source of the layout: "Very Deep Convolutional Networks for Large-Scale Image Recognition".
    """

    def __init__(self, classes: int, drop_rate: float, size: Size = AS_DRAWN, channels: int = 3):
        blocks = [ConvBlock(*pair) for pair in _pairs(size, channels)]
        super().__init__(*_layout(blocks, size), classes, drop_rate)


class ResidualCNN(PooledNetwork):
    """`CNN` with a shortcut around each block, after He et al. (2016), "Deep Residual Learning for Image Recognition".

    Takes float [N, channels, H, W] with H and W of at least 8, gives logits [N, classes]. 1,219,850 parameters for
    10 classes: a shortcut is a 1x1 convolution with batch norm, as every block widens.
    """

    def __init__(
        self, classes: int, drop_rate: float, drop_path_rate: float = 0.0, size: Size = AS_DRAWN, channels: int = 3
    ):
        pairs = _pairs(size, channels)
        rates = rates_by_depth(drop_path_rate, len(pairs))
        blocks = [ResidualConvBlock(*pair, rate) for pair, rate in zip(pairs, rates, strict=True)]
        super().__init__(*_layout(blocks, size), classes, drop_rate)


class ConvBlock(nn.Module):
    """ReLU of two 3x3 convolutions with batch norm, the first followed by ReLU of its own."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.body(features))


class ResidualConvBlock(ConvBlock):
    """A `ConvBlock` that adds a projection of its input before the last ReLU.

    In training, `rate` is the probability that an image takes the projection alone.
    """

    def __init__(self, before: int, after: int, rate: float):
        super().__init__(before, after)
        self.drop_path = drop_path(rate)
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, kernel_size=1, bias=False), nn.BatchNorm2d(after))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.drop_path(self.body(features)) + self.shortcut(features))


def _widths(size: Size) -> tuple[int, ...]:
    return tuple(size.channels(width) for width in WIDTHS)


def _pairs(size: Size, channels: int) -> list[tuple[int, int]]:
    """Return the channels before and after each block."""
    widths = [width for width in _widths(size) for _ in range(size.depth)]
    return list(pairwise((channels, *widths)))


def _pooled_convolutions(before: int, after: int, depth: int) -> nn.Sequential:
    entries = [before] + [after] * (depth - 1)
    return nn.Sequential(*(layer for entry in entries for layer in _convolution(entry, after)), nn.MaxPool2d(2))


def _convolution(before: int, after: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)


def _layout(blocks: list[ConvBlock], size: Size) -> tuple[nn.Sequential, list[dict]]:
    """Put the blocks of a resolution together, pooling before all but the first, and describe their maps."""
    stages = [blocks[start : start + size.depth] for start in range(0, len(blocks), size.depth)]
    layers = [nn.Sequential(*([nn.MaxPool2d(2)] if index else []), *stage) for index, stage in enumerate(stages)]
    names = [f"blocks.{index}" for index in range(len(stages))]
    return nn.Sequential(*layers), describe_maps(names, _widths(size), (1, 2, 4, 8))
