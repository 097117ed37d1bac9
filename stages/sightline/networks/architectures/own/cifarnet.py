"""A network that learns 32 px photographs in few passes, in the spirit of the airbench speed records.

Jordan, 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU": a first layer that whitens patches of the training
images and is not trained, few wide convolutions with max pooling, GELU, batch norm without scale, small logits.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from sightline.networks.architectures.own.pooled import PooledNetwork, describe_maps
from sightline.networks.architectures.own.size import AS_DRAWN, Size

PATCH = 2  # px, side of the whitened patches
LOGIT_SCALE = 1 / 9  # softens the first predictions, so that high learning rates are safe
FLOOR = 5e-4  # added to the patches' variances, so that noise in faint directions is not blown up
AT_ONCE = 256  # images
CONVOLUTIONS = 2  # of a group


class CifarNet(PooledNetwork):
    """A whitening layer (24 filters; 8 for grey), then three groups of two 3x3 convolutions (64, 128, 256 channels).

    The second group has half of airbench's channels, which makes a pass on processors 1.6 times as fast.

    Takes float [N, channels, H, W] with H and W of at least 16, made for 32; gives logits [N, classes]. Maps have the
    sides 31, 15, 7 and 3 at 32 px; the last are pooled by their maximum. 1,160,098 trained parameters for 10 classes.

    The whitening filters are a buffer, saved with the weights and never trained. Until `initialize_from` is called
    they hand on each pixel of a patch and its negative.
    """

    widths = (64, 128, 256)
    pool = "max"

    def __init__(self, classes: int, drop_rate: float, size: Size = AS_DRAWN, channels: int = 3):
        whitening = Whitening(channels)
        widths = (whitening.width, *(size.channels(width) for width in self.widths))
        groups = (_group(*pair, CONVOLUTIONS * size.depth) for pair in pairwise(widths))
        maps = describe_maps([f"blocks.{index}" for index in range(4)], widths, (1, 2, 4, 8))
        super().__init__(nn.Sequential(whitening, *groups), maps, classes, drop_rate)

    def forward_head(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] of the last feature maps."""
        return super().forward_head(features) * LOGIT_SCALE

    def initialize_from(self, images: torch.Tensor) -> None:
        """Compute the whitening filters from training images; call it once, before training starts from scratch.

        Parameters
        ----------
        images : torch.Tensor
            Float [N, channels, H, W], normalised as in training, without augmentation; a few thousand of 32 px suffice.
        """
        self.blocks[0].fit(images)


class WideCifarNet(CifarNet):
    """`CifarNet` with airbench's widths (64, 256, 256): more accurate, given ten passes and more.

    Takes and gives the same. 1,971,362 trained parameters for 10 classes.
    """

    widths = (64, 256, 256)


class Whitening(nn.Module):
    """GELU of a convolution that turns 2x2 patches into uncorrelated values of variance 1, each with its negative."""

    def __init__(self, channels: int = 3):
        super().__init__()
        values = channels * PATCH**2
        self.width = 2 * values
        self.register_buffer("weight", _signed(torch.eye(values), channels))
        self.bias = nn.Parameter(torch.zeros(self.width))

    def fit(self, images: torch.Tensor) -> None:
        """Set the filters to the eigenvectors of the patches' covariance, over the roots of their eigenvalues.

        Parameters
        ----------
        images : torch.Tensor
            Float [N, channels, H, W].
        """
        variances, directions = torch.linalg.eigh(patch_covariance(images))
        self.weight.copy_(_signed(directions.T / (variances.clamp(min=0) + FLOOR).sqrt().unsqueeze(1), images.shape[1]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return functional.gelu(functional.conv2d(images, self.weight, self.bias))


@torch.no_grad()
def patch_covariance(images: torch.Tensor) -> torch.Tensor:
    """Return the covariance, float64 [4 C, 4 C] on the CPU, of all 2x2 patches of images [N, C, H, W].

    A patch's values are ordered as a convolution's weights: channel, row, column.
    """
    total = 0.0
    products = 0.0
    count = 0
    for batch in images.split(AT_ONCE):
        patches = functional.unfold(batch.detach().cpu().double(), PATCH).transpose(0, 1).flatten(1)
        total = total + patches.sum(dim=1)
        products = products + patches @ patches.T
        count += patches.shape[1]
    mean = total / count
    return products / count - torch.outer(mean, mean)


def _signed(filters: torch.Tensor, channels: int) -> torch.Tensor:
    return torch.cat([filters, -filters]).view(-1, channels, PATCH, PATCH)


def _group(before: int, after: int, convolutions: int) -> nn.Sequential:
    layers = [_convolution(before, after), nn.MaxPool2d(2), _norm(after), nn.GELU()]
    for _ in range(convolutions - 1):
        layers += [_convolution(after, after), _norm(after), nn.GELU()]
    return nn.Sequential(*layers)


def _norm(channels: int) -> nn.BatchNorm2d:
    """Return batch norm whose scale stays at 1."""
    norm = nn.BatchNorm2d(channels)
    norm.weight.requires_grad_(False)
    return norm


def _convolution(before: int, after: int) -> nn.Conv2d:
    """Return a 3x3 convolution whose first filters hand on its input, so that signals pass from the start."""
    convolution = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False)
    nn.init.dirac_(convolution.weight.data[:before])
    return convolution
