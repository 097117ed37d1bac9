"""Small networks with attention: a residual one, a dense one, and one that is dense early and residual late."""

from torch import nn

from sightline.networks.architectures.own.layers import (
    CBAM,
    AttentionResidualBlock,
    DenseBlock,
    SqueezeExcite,
    rates_by_depth,
    stem,
    transition,
)
from sightline.networks.architectures.own.pooled import PooledNetwork, describe_maps

STEM = 32  # channels of the first convolution
REDUCTION = 8  # a channel gate's hidden layer is narrower by this factor
WIDTHS = (64, 128, 256)  # channels of the stages of AttentionResNet and AttentionHybrid
DENSE_LAYERS = 4  # of each dense block of AttentionDenseNet
DENSE_GROWTH = 24  # channels that each of them adds
DENSE_WIDTHS = (128, 160, 176)  # what enters a block, STEM or half of the block before, and what its layers add
HYBRID_GROWTH = 16  # channels that a dense layer of AttentionHybrid adds


class AttentionResNet(PooledNetwork):
    """Three stages (64, 128, 256 channels) of two residual blocks of separable convolutions, each with attention.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 410,170 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float, drop_path_rate: float = 0.0):
        rates = iter(rates_by_depth(drop_path_rate, 2 * len(WIDTHS)))
        blocks = [stem(STEM)]
        before = STEM
        for width in WIDTHS:
            first = _attended_residual(before, width, next(rates))
            second = _attended_residual(width, width, next(rates))
            blocks.append(nn.Sequential(nn.MaxPool2d(2), first, second))
            before = width
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.3"], WIDTHS, (2, 4, 8))
        super().__init__(nn.Sequential(*blocks), maps, classes, drop_rate)


class AttentionDenseNet(PooledNetwork):
    """Three dense blocks (four layers of 24 channels) with attention; each hands half as many channels to the next.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. 195,028 parameters for 10 classes.
    """

    def __init__(self, classes: int, drop_rate: float):
        first, second, third = DENSE_WIDTHS
        blocks = nn.Sequential(
            stem(STEM),
            nn.Sequential(nn.MaxPool2d(2), _attended_dense(STEM, first)),
            nn.Sequential(transition(first, first // 2), _attended_dense(first // 2, second)),
            nn.Sequential(transition(second, second // 2), _attended_dense(second // 2, third)),
            nn.Sequential(nn.BatchNorm2d(third), nn.ReLU(inplace=True)),
        )
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.4"], DENSE_WIDTHS, (2, 4, 8))
        super().__init__(blocks, maps, classes, drop_rate)


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
            nn.Sequential(nn.MaxPool2d(2), _hybrid_dense(STEM, first)),
            nn.Sequential(transition(first, first), _hybrid_dense(first, second)),
            nn.Sequential(
                nn.MaxPool2d(2), _hybrid_residual(second, third, early), _hybrid_residual(third, third, late)
            ),
        )
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.3"], WIDTHS, (2, 4, 8))
        super().__init__(blocks, maps, classes, drop_rate)


def _attended_residual(before: int, after: int, rate: float) -> AttentionResidualBlock:
    return AttentionResidualBlock(before, after, SqueezeExcite(after, REDUCTION), rate)


def _attended_dense(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(DenseBlock(before, DENSE_LAYERS, DENSE_GROWTH), SqueezeExcite(after, REDUCTION))


def _hybrid_dense(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(DenseBlock(before, (after - before) // HYBRID_GROWTH, HYBRID_GROWTH), CBAM(after, REDUCTION))


def _hybrid_residual(before: int, after: int, rate: float) -> AttentionResidualBlock:
    return AttentionResidualBlock(before, after, CBAM(after, REDUCTION), rate)
