"""A layer's output as maps on a grid over the image."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from sightline.networks.classifier import Classifier

FINE_ENOUGH = 4  # positions a side: a coarser map says too little about where, so an earlier layer is taken
ToGrid = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class TargetLayer:
    """A layer whose output lies on a grid over the image.

    Parameters
    ----------
    name : str
        The module's name in the network.
    to_grid : callable
        From the module's output to [N, C, h, w].
    """

    name: str
    to_grid: ToGrid


def lay_out(classifier: Classifier, output: torch.Tensor, channels: int) -> ToGrid | None:
    """Return how a layer's output becomes [N, channels, h, w]; None where it does not lie on a grid.

    Tokens lie on a square grid once those before them are taken away: as many as the network's `num_prefix_tokens`;
    else none, since some networks add their class token only after their last block; else one or two, since some have
    a class and a distillation token and do not say so. Squares are at least 3 apart, so only one of 0, 1 and 2 can fit.
    """
    if output.ndim == 4 and output.shape[1] == channels:
        return _keep
    if output.ndim == 4 and output.shape[3] == channels:
        return _from_channels_last
    if output.ndim == 3 and output.shape[2] == channels:
        for tokens_before in (getattr(classifier.network, "num_prefix_tokens", 0), 0, 1, 2):
            if _is_square(output.shape[1] - tokens_before):
                return partial(_from_tokens, tokens_before)
    return None


def _is_square(count: int) -> bool:
    return count > 0 and math.isqrt(count) ** 2 == count


def _keep(features: torch.Tensor) -> torch.Tensor:
    return features


def _from_channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 3, 1, 2)


def _from_tokens(tokens_before: int, features: torch.Tensor) -> torch.Tensor:
    patches = features[:, tokens_before:].transpose(1, 2)
    return patches.unflatten(2, (math.isqrt(patches.shape[2]),) * 2)
