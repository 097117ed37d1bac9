"""What Sightline's own networks are built from: separable residual and dense blocks, attention, dropped paths."""

import torch
from torch import nn
from torch.nn import functional


def stem(channels: int, width: int) -> nn.Sequential:
    """Return a 3x3 convolution from the image with batch norm and ReLU, at the image's own resolution."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )


def separable(before: int, after: int) -> nn.Sequential:
    """Return a 3x3 convolution within each channel, then a 1x1 convolution across channels.

    Chollet, 2017, "Xception: Deep Learning with Depthwise Separable Convolutions".
    """
    return nn.Sequential(
        nn.Conv2d(before, before, kernel_size=3, padding=1, groups=before, bias=False),
        nn.Conv2d(before, after, kernel_size=1, bias=False),
    )


class AttentionResidualBlock(nn.Module):
    """Two separable convolutions with batch norm, then attention, added to the input, then ReLU.

    Takes [N, before, h, w], gives [N, after, h, w]; where these differ, the shortcut is a 1x1 convolution with batch
    norm (He et al., 2016, "Deep Residual Learning for Image Recognition"). In training, `rate` is the probability that
    an image takes the shortcut alone.
    """

    def __init__(self, before: int, after: int, attention: nn.Module, rate: float):
        super().__init__()
        self.body = nn.Sequential(
            separable(before, after),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            separable(after, after),
            nn.BatchNorm2d(after),
            attention,
        )
        self.drop_path = drop_path(rate)
        self.shortcut = nn.Identity() if before == after else _projection(before, after)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.drop_path(self.body(maps)) + self.shortcut(maps))


class DenseBlock(nn.Module):
    """Layers that each add `growth` channels, computed from all channels before them.

    Huang et al., 2017, "Densely Connected Convolutional Networks", with the 3x3 convolution made separable. Takes
    [N, before, h, w], gives [N, before + layers * growth, h, w].
    """

    def __init__(self, before: int, layers: int, growth: int):
        super().__init__()
        self.layers = nn.ModuleList(_dense_layer(before + index * growth, growth) for index in range(layers))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            maps = torch.cat([maps, layer(maps)], dim=1)
        return maps


def transition(before: int, after: int) -> nn.Sequential:
    """Return what stands between dense blocks: batch norm, ReLU, a 1x1 convolution, and 2x2 means."""
    return nn.Sequential(
        nn.BatchNorm2d(before),
        nn.ReLU(inplace=True),
        nn.Conv2d(before, after, kernel_size=1, bias=False),
        nn.AvgPool2d(2),
    )


class ChannelGate(nn.Module):
    """What `SqueezeExcite` and `CBAM` learn about channels: two linear layers with ReLU between them.

    Parameters
    ----------
    channels : int
        Of the maps.
    reduction : int
        The channels over the hidden layer's width.
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        hidden = max(1, channels // reduction)
        layers = nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels)
        self.gate = nn.Sequential(*layers)  # from [N, channels] to [N, channels]


class SqueezeExcite(ChannelGate):
    """Scale each channel by a gate computed from all channels' spatial means.

    ``maps * sigmoid(W2 relu(W1 mean(maps)))``: Hu et al., 2018, "Squeeze-and-Excitation Networks".
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps * self.gate(maps.mean(dim=(2, 3))).sigmoid()[:, :, None, None]


class CBAM(ChannelGate):
    """Scale each channel, then each position.

    A channel's gate is ``sigmoid(g(mean) + g(max))`` over its positions, with one g of two layers; a position's gate
    is the sigmoid of a 7x7 convolution over the mean and the maximum of its channels: Woo et al., 2018, "CBAM:
    Convolutional Block Attention Module".
    """

    def __init__(self, channels: int, reduction: int):
        super().__init__(channels, reduction)
        self.where = nn.Conv2d(2, 1, kernel_size=7, padding=3)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        channels = self.gate(maps.mean(dim=(2, 3))) + self.gate(maps.flatten(2).max(dim=2).values)
        maps = maps * channels.sigmoid()[:, :, None, None]
        summary = torch.cat([maps.mean(dim=1, keepdim=True), maps.max(dim=1, keepdim=True).values], dim=1)
        return maps * self.where(summary).sigmoid()


def drop_path(rate: float) -> nn.Module:
    """Return what leaves a branch out, image by image, with this probability in training, and scales what it keeps."""
    if not rate:
        return nn.Identity()
    from torchvision.ops import StochasticDepth  # over a second to import, which networks without it need not wait for

    return StochasticDepth(rate, mode="row")


def rates_by_depth(rate: float, blocks: int) -> list[float]:
    """Return each block's rate, rising evenly from 0 at the first to `rate` at the last, as in timm."""
    return [rate * index / max(1, blocks - 1) for index in range(blocks)]


def _projection(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, kernel_size=1, bias=False), nn.BatchNorm2d(after))


def _dense_layer(before: int, growth: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(before),
        nn.ReLU(inplace=True),
        nn.Conv2d(before, 4 * growth, kernel_size=1, bias=False),
        nn.BatchNorm2d(4 * growth),
        nn.ReLU(inplace=True),
        separable(4 * growth, growth),
    )
