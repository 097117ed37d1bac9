"""Networks of 3x3 convolutions: one of three, and one of four blocks of two, plain or residual."""

import torch
from torch import nn
from torch.nn import functional

from sightline.networks.architectures.own.layers import drop_path, rates_by_depth
from sightline.networks.architectures.own.pooled import PooledNetwork, describe_maps

WIDTHS = (32, 64, 128, 256)  # channels of the blocks; SimpleCNN stops before the last
SIMPLE_BLOCKS = 3
PAIRS = list(zip((3, *WIDTHS), WIDTHS, strict=False))  # channels before and after each block


class SimpleCNN(PooledNetwork):
    """Three 3x3 convolutions (32, 64, 128 channels) with batch norm, ReLU and max pooling, then a linear layer.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 94,762 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float):
        blocks = nn.Sequential(*(_pooled_convolution(*widths) for widths in PAIRS[:SIMPLE_BLOCKS]))
        maps = describe_maps(
            [f"blocks.{index}.2" for index in range(SIMPLE_BLOCKS)], WIDTHS[:SIMPLE_BLOCKS], (1, 2, 4)
        )  # before pooling
        super().__init__(blocks, maps, classes, drop_rate)


class CNN(PooledNetwork):
    """Four blocks (32, 64, 128, 256 channels) with max pooling between them, after Simonyan & Zisserman (2015).

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 1,175,786 parameters for
    10 classes. Source of the layout: "Very Deep Convolutional Networks for Large-Scale Image Recognition".
    """

    def __init__(self, classes: int, drop_rate: float):
        super().__init__(*_layout([ConvBlock(*pair) for pair in PAIRS]), classes, drop_rate)


class ResidualCNN(PooledNetwork):
    """`CNN` with a shortcut around each block, after He et al. (2016), "Deep Residual Learning for Image Recognition".

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 1,219,850 parameters for
    10 classes: a shortcut is a 1x1 convolution with batch norm, as every block widens.
    """

    def __init__(self, classes: int, drop_rate: float, drop_path_rate: float = 0.0):
        rates = rates_by_depth(drop_path_rate, len(PAIRS))
        blocks = [ResidualConvBlock(*pair, rate) for pair, rate in zip(PAIRS, rates, strict=True)]
        super().__init__(*_layout(blocks), classes, drop_rate)


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


def _pooled_convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def _layout(blocks: list[ConvBlock]) -> tuple[nn.Sequential, list[dict]]:
    """Put pooling before all blocks but the first, and describe their maps."""
    layers = [nn.Sequential(*([nn.MaxPool2d(2)] if index else []), block) for index, block in enumerate(blocks)]
    names = [f"blocks.{index}" for index in range(len(blocks))]
    return nn.Sequential(*layers), describe_maps(names, WIDTHS, (1, 2, 4, 8))
