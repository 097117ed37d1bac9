"""Averages of the weights over training, which are validated and kept in place of the weights, and their statistics."""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.networks.classifier import Classifier

WARM_UP = 10  # updates: the first ones soon replace what the network started from


class WeightAverage:
    """A copy of a network that holds the average of its weights and buffers.

    It computes what timm's ModelEmaV3 and torch's AveragedModel do; the latter would copy its counter to the GPU, and
    wait for that, with every update.

    Parameters
    ----------
    network : nn.Module
        The network that learns.
    kind : str
        ``ema``: exponential, over updates; ``swa``: equal, over the epochs from `start_epoch` on, until which it is
        the newest weights (Izmailov et al., 2018, "Averaging Weights Leads to Wider Optima and Better
        Generalization").
    decay : float
        Of ``ema``, in (0, 1): what an update leaves of the average; after n updates at most (1 + n) / (10 + n), so
        that short runs forget where they began.
    start_epoch : int
        Of ``swa``, counted from 0.
    """

    def __init__(self, network: nn.Module, kind: str, decay: float, start_epoch: int):
        self.kind = kind
        self.decay = decay
        self.start_epoch = start_epoch
        self.averaged = 0
        self.network = copy.deepcopy(network).requires_grad_(False)

    def after_update(self, network: nn.Module) -> None:
        """Take the weights into an exponential average."""
        if self.kind == "ema":
            self._take(network)

    def after_epoch(self, network: nn.Module, epoch: int) -> None:
        """Take the weights into an equal average."""
        if self.kind == "swa":
            if epoch <= self.start_epoch:
                self.averaged = 0
            self._take(network)

    def state_dict(self) -> dict[str, Any]:
        """Return the average and of how many it is."""
        return {"network": self.network.state_dict(), "averaged": self.averaged}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.network.load_state_dict(state["network"])
        self.averaged = state["averaged"]

    @torch.no_grad()
    def _take(self, network: nn.Module) -> None:
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        averages, values = zip(*floats, strict=True)
        torch._foreach_lerp_(averages, values, 1 - self._kept())
        for counter, value in pairs:
            if not counter.is_floating_point():  # of batch norm
                counter.copy_(value)
        self.averaged += 1

    def _kept(self) -> float:
        if self.averaged == 0:
            return 0.0
        if self.kind == "swa":
            return self.averaged / (self.averaged + 1)
        return min(self.decay, (1 + self.averaged) / (WARM_UP + self.averaged))


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [*network.parameters(), *network.buffers()]


@torch.no_grad()
def recompute_statistics(
    classifier: Classifier,
    learner: nn.Module,
    batches: Iterable[torch.Tensor],
    accelerator: Accelerator,
) -> None:
    """Set the running statistics of batch norms to those of the images (Izmailov et al., 2018, section 3.2).

    As torch's `update_bn`, the mean over batches of each batch's statistics, but that nothing else is in training mode,
    so that no dropout widens them, and that the images are not augmented: these are statistics for prediction.

    Parameters
    ----------
    classifier : Classifier
        Of the averaged weights.
    learner : nn.Module
        The network whose weights were averaged, in training mode. What rests in it, being frozen, is left as it is.
    batches : iterable of Tensor
        Pixels uint8 [B, H, W, 3] of training images in random order: a batch of one class would have too small a
        variance.
    """
    learning = {name for name, module in learner.named_modules() if isinstance(module, _BatchNorm) and module.training}
    norms = [module for name, module in classifier.network.named_modules() if name in learning]
    if not norms:
        return
    classifier.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
        norm.train()
    for pixels in batches:
        with accelerator.autocast():
            classifier(pixels)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
