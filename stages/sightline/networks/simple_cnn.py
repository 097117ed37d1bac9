"""A small network for small images: three convolutions, a pooled mean, one linear layer."""

from torch import nn

from sightline.networks.pooled import PooledNetwork, describe_maps

WIDTHS = (32, 64, 128)


class SimpleCNN(PooledNetwork):
    """Three 3x3 convolutions (32, 64, 128 channels) with batch norm, ReLU and max pooling, then a linear layer.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 94,762 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float):
        blocks = nn.Sequential(*(_block(*widths) for widths in zip((3, *WIDTHS), WIDTHS, strict=False)))
        maps = describe_maps([f"blocks.{index}.2" for index in range(3)], WIDTHS, (1, 2, 4))  # before pooling
        super().__init__(blocks, maps, classes, drop_rate)


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )
