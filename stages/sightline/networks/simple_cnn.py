"""A small network for small images: three convolutions, a pooled mean, one linear layer."""

import torch
from torch import nn


class SimpleCNN(nn.Module):
    """Three 3x3 convolutions (32, 64, 128 channels) with batch norm, ReLU and max pooling, then a linear layer.

    Takes float [N, 3, H, W] with H and W of at least 8, gives logits [N, classes]. The feature interface is
    timm's: `feature_info`, `forward_features`, `forward_head`.
    """

    def __init__(self, classes: int, channels: tuple[int, ...] = (32, 64, 128)):
        super().__init__()
        widths = (3, *channels)
        self.blocks = nn.Sequential(*(_block(before, after) for before, after in zip(widths, channels, strict=False)))
        self.head = nn.Linear(channels[-1], classes)
        self.feature_info = [
            {"module": f"blocks.{index}.2", "num_chs": width, "reduction": 2**index}  # before pooling, as timm has it
            for index, width in enumerate(channels)
        ]

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature maps, [N, 128, H // 8, W // 8]."""
        return self.blocks(images)

    def forward_head(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] of the maps' spatial mean."""
        return self.head(features.mean(dim=(2, 3)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(images))


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )
