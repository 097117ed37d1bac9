"""A network that follows another one: the average of its weights over the updates."""

import copy
import math

import torch
from torch import nn

WARM_UP = 10  # updates: the first ones soon replace what the network started from


class Teacher(nn.Module):
    """A copy of a network that is never learnt by gradients but follows it by an exponential average.

    Batch norms use statistics that follow too, those of no batch (Cai et al., 2021, "Exponential Moving Average
    Normalization for Self-supervised and Semi-supervised Learning"): else an image would be told by its batch, against
    which MoCo shuffles images between GPUs.

    Parameters
    ----------
    network : nn.Module
        What is followed.
    decay : float
        In (0, 1): what an update leaves of the average; see `kept`.
    """

    def __init__(self, network: nn.Module, decay: float):
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    def train(self, mode: bool = True) -> "Teacher":
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)

    @torch.no_grad()
    def follow(self, network: nn.Module, done: int, updates: int) -> None:
        """Take in the weights and statistics after update `done` of `updates`."""
        own, others = (list(followed.state_dict().values()) for followed in (self.network, network))
        numbers = [place for place, tensor in enumerate(own) if tensor.is_floating_point()]  # no counter of batch norm
        averages = [own[place] for place in numbers]
        torch._foreach_lerp_(averages, [others[place] for place in numbers], 1 - kept(self.decay, done, updates))


def kept(decay: float, done: int, updates: int) -> float:
    """Return what update `done` of `updates` leaves of the average.

    It rises from `decay` to 1 along half a cosine (Grill et al., 2020, "Bootstrap Your Own Latent"), but is at
    most (1 + n) / (10 + n) after n updates, so that short runs forget where they began.
    """
    rising = 1 - (1 - decay) * (1 + math.cos(math.pi * done / updates)) / 2
    return min(rising, (1 + done) / (WARM_UP + done))
