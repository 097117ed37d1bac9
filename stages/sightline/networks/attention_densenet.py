"""A small densely connected network with squeeze-and-excitation."""

from torch import nn

from sightline.networks.attention import SqueezeExcite
from sightline.networks.pooled import PooledNetwork, describe_maps
from sightline.networks.separable import DenseBlock, stem, transition

STEM, LAYERS, GROWTH, REDUCTION = 32, 4, 24, 8
WIDTHS = (128, 160, 176)  # what enters a block, STEM or half of the block before, and its LAYERS * GROWTH channels


class AttentionDenseNet(PooledNetwork):
    """Three dense blocks (four layers of 24 channels) with attention; each hands half as many channels to the next.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 195,028 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float):
        first, second, third = WIDTHS
        blocks = nn.Sequential(
            stem(STEM),
            nn.Sequential(nn.MaxPool2d(2), _dense(STEM, first)),
            nn.Sequential(transition(first, first // 2), _dense(first // 2, second)),
            nn.Sequential(transition(second, second // 2), _dense(second // 2, third)),
            nn.Sequential(nn.BatchNorm2d(third), nn.ReLU(inplace=True)),
        )
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.4"], WIDTHS, (2, 4, 8))
        super().__init__(blocks, maps, classes, drop_rate)


def _dense(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(DenseBlock(before, LAYERS, GROWTH), SqueezeExcite(after, REDUCTION))
