"""Stochastic depth for Sightline's own residual blocks (Huang et al., 2016, "Deep Networks with Stochastic Depth")."""

from torch import nn


def drop_path(rate: float) -> nn.Module:
    """Return what leaves a branch out, image by image, with this probability in training, and scales what it keeps."""
    if not rate:
        return nn.Identity()
    from torchvision.ops import StochasticDepth  # over a second to import, which networks without it need not wait for

    return StochasticDepth(rate, mode="row")


def rates_by_depth(rate: float, blocks: int) -> list[float]:
    """Return each block's rate, rising evenly from 0 at the first to `rate` at the last, as in timm."""
    return [rate * index / max(1, blocks - 1) for index in range(blocks)]
