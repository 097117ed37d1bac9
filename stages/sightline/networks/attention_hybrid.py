"""A small network that is dense where maps are large and residual where they are small, with CBAM throughout."""

from torch import nn

from sightline.networks.attention import CBAM
from sightline.networks.droppath import rates_by_depth
from sightline.networks.pooled import PooledNetwork, describe_maps
from sightline.networks.separable import DenseBlock, ResidualBlock, stem, transition

STEM, GROWTH, REDUCTION = 32, 16, 8
WIDTHS = (64, 128, 256)


class AttentionHybrid(PooledNetwork):
    """Two dense blocks (two and four layers of 16 channels), then two residual blocks of 256; CBAM after each.

    Early layers reuse each other's features, which takes few parameters; late ones refine their own. Takes float
    [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 358,446 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float, drop_path_rate: float = 0.0):
        first, second, third = WIDTHS
        early, late = rates_by_depth(drop_path_rate, 2)
        blocks = nn.Sequential(
            stem(STEM),
            nn.Sequential(nn.MaxPool2d(2), _dense(STEM, first)),
            nn.Sequential(transition(first, first), _dense(first, second)),
            nn.Sequential(nn.MaxPool2d(2), _residual(second, third, early), _residual(third, third, late)),
        )
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.3"], WIDTHS, (2, 4, 8))
        super().__init__(blocks, maps, classes, drop_rate)


def _dense(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(DenseBlock(before, (after - before) // GROWTH, GROWTH), CBAM(after, REDUCTION))


def _residual(before: int, after: int, rate: float) -> ResidualBlock:
    return ResidualBlock(before, after, CBAM(after, REDUCTION), rate)
