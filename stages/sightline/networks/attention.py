"""Attention over channels and positions: small modules that rescale feature maps [N, C, h, w] and keep their shape."""

import torch
from torch import nn


class ChannelGate(nn.Module):
    """What both modules learn about channels: two linear layers with ReLU between them.

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
