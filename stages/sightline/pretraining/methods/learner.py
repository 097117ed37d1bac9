"""What the methods that learn from two views of each image have in common."""

import torch
from torch import nn
from torch.nn import functional


class Learner(nn.Module):
    """A backbone, what stands behind it, and its loss.

    `forward` takes two views of each image, normalised float [N, C, S, S], and returns the loss and the embeddings of
    the first views, by whose spread a collapse is told. What is kept from one update to the next is a parameter or a
    buffer, so that a run that was stopped goes on with the same bytes.
    """

    def after_update(self, done: int, updates: int) -> None:
        """Follow the weights that have just changed, `done` times of so many."""


def hidden_layer(before: int, after: int) -> tuple[nn.Module, ...]:
    """Return a linear layer, its batch norm and ReLU."""
    return nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)


def cosines(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the cosine of each row of float [N, D] with each of float [M, D], as float32 [N, M].

    Autocast would multiply in half precision, whose steps near 1 are as wide as what tells images apart.
    """
    with torch.autocast(first.device.type, enabled=False):
        return functional.normalize(first.float(), dim=1) @ functional.normalize(second.float(), dim=1).T
