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
from sightline.networks.architectures.own.size import AS_DRAWN, Size

STEM = 32  # channels of the first convolution
REDUCTION = 8  # a channel gate's hidden layer is narrower by this factor
WIDTHS = (64, 128, 256)  # channels of the stages of AttentionResNet, the last of AttentionHybrid
RESIDUAL_BLOCKS = 2  # of each residual stage
DENSE_LAYERS = 4  # of each dense block of AttentionDenseNet
DENSE_GROWTH = 24  # channels that each of them adds
HYBRID_LAYERS = (2, 4)  # of the dense blocks of AttentionHybrid
HYBRID_GROWTH = 16  # channels that each of them adds


class AttentionResNet(PooledNetwork):
    """Three stages (64, 128, 256 channels) of two residual blocks of separable convolutions, each with attention.

    Takes float [N, channels, H, W] with H and W of at least 8, gives logits [N, classes]. 410,170 parameters for
    10 classes.
    """

    def __init__(
        self, classes: int, drop_rate: float, drop_path_rate: float = 0.0, size: Size = AS_DRAWN, channels: int = 3
    ):
        widths = tuple(size.channels(width) for width in WIDTHS)
        count = RESIDUAL_BLOCKS * size.depth
        rates = iter(rates_by_depth(drop_path_rate, count * len(widths)))
        before = size.channels(STEM)
        blocks = [stem(channels, before)]
        for width in widths:
            stage = [_attended_residual(width if index else before, width, next(rates)) for index in range(count)]
            blocks.append(nn.Sequential(nn.MaxPool2d(2), *stage))
            before = width
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.3"], widths, (2, 4, 8))
        super().__init__(nn.Sequential(*blocks), maps, classes, drop_rate)


class AttentionDenseNet(PooledNetwork):
    """Three dense blocks (four layers of 24 channels) with attention; each hands half as many channels to the next.

    Takes float [N, channels, H, W] with H and W of at least 8, gives logits [N, classes]. 195,028 parameters for
    10 classes.
    """

    def __init__(self, classes: int, drop_rate: float, size: Size = AS_DRAWN, channels: int = 3):
        layers = DENSE_LAYERS * size.depth
        growth = size.channels(DENSE_GROWTH)
        entry = size.channels(STEM)
        first = entry + layers * growth
        second = first // 2 + layers * growth
        third = second // 2 + layers * growth
        blocks = nn.Sequential(
            stem(channels, entry),
            nn.Sequential(nn.MaxPool2d(2), _attended_dense(entry, layers, growth)),
            nn.Sequential(transition(first, first // 2), _attended_dense(first // 2, layers, growth)),
            nn.Sequential(transition(second, second // 2), _attended_dense(second // 2, layers, growth)),
            nn.Sequential(nn.BatchNorm2d(third), nn.ReLU(inplace=True)),
        )
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.4"], (first, second, third), (2, 4, 8))
        super().__init__(blocks, maps, classes, drop_rate)


class AttentionHybrid(PooledNetwork):
    """Two dense blocks (two and four layers of 16 channels), then two residual blocks of 256; CBAM after each.

    Early layers reuse each other's features, which takes few parameters; late ones refine their own. Takes float
    [N, channels, H, W] with H and W of at least 8, gives logits [N, classes]. 358,446 parameters for 10 classes.
    """

    def __init__(
        self, classes: int, drop_rate: float, drop_path_rate: float = 0.0, size: Size = AS_DRAWN, channels: int = 3
    ):
        growth = size.channels(HYBRID_GROWTH)
        early, late = (layers * size.depth for layers in HYBRID_LAYERS)
        entry = size.channels(STEM)
        first = entry + early * growth
        second = first + late * growth
        third = size.channels(WIDTHS[-1])
        rates = rates_by_depth(drop_path_rate, RESIDUAL_BLOCKS * size.depth)
        branches = zip([second] + [third] * (len(rates) - 1), rates, strict=True)
        blocks = nn.Sequential(
            stem(channels, entry),
            nn.Sequential(nn.MaxPool2d(2), _hybrid_dense(entry, early, growth)),
            nn.Sequential(transition(first, first), _hybrid_dense(first, late, growth)),
            nn.Sequential(nn.MaxPool2d(2), *(_hybrid_residual(before, third, rate) for before, rate in branches)),
        )
        maps = describe_maps(["blocks.1", "blocks.2", "blocks.3"], (first, second, third), (2, 4, 8))
        super().__init__(blocks, maps, classes, drop_rate)


def _attended_residual(before: int, after: int, rate: float) -> AttentionResidualBlock:
    return AttentionResidualBlock(before, after, SqueezeExcite(after, REDUCTION), rate)


def _attended_dense(before: int, layers: int, growth: int) -> nn.Sequential:
    return nn.Sequential(DenseBlock(before, layers, growth), SqueezeExcite(before + layers * growth, REDUCTION))


def _hybrid_dense(before: int, layers: int, growth: int) -> nn.Sequential:
    return nn.Sequential(DenseBlock(before, layers, growth), CBAM(before + layers * growth, REDUCTION))


def _hybrid_residual(before: int, after: int, rate: float) -> AttentionResidualBlock:
    return AttentionResidualBlock(before, after, CBAM(after, REDUCTION), rate)
