"""A small residual network with squeeze-and-excitation."""

from torch import nn

from sightline.networks.attention import SqueezeExcite
from sightline.networks.droppath import rates_by_depth
from sightline.networks.pooled import PooledNetwork, describe_maps
from sightline.networks.separable import ResidualBlock, stem

STEM, WIDTHS, REDUCTION = 32, (64, 128, 256), 8


class AttentionResNet(PooledNetwork):
    """Three stages (64, 128, 256 channels) of two residual blocks of separable convolutions, each with attention.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 410,170 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float, drop_path_rate: float = 0.0):
        rates = iter(rates_by_depth(drop_path_rate, 2 * len(WIDTHS)))
        blocks, before = [stem(STEM)], STEM
        for width in WIDTHS:
            pair = _block(before, width, next(rates)), _block(width, width, next(rates))
            blocks.append(nn.Sequential(nn.MaxPool2d(2), *pair))
            before = width
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.3"], WIDTHS, (2, 4, 8))
        super().__init__(nn.Sequential(*blocks), maps, classes, drop_rate)


def _block(before: int, after: int, rate: float) -> ResidualBlock:
    return ResidualBlock(before, after, SqueezeExcite(after, REDUCTION), rate)
