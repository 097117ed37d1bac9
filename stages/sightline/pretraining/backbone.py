"""A network without its last layer: what is learnt without labels, and what `weights` takes."""

import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.head import list_heads


class Backbone(nn.Module):
    """A network whose last layer is taken off: normalised images [N, C, H, W] in, features [N, features] out.

    Raises
    ------
    SightlineError
        Its logits are not those of one layer.
    """

    def __init__(self, network: nn.Module, architecture: str, input_size: int):
        super().__init__()
        heads = list_heads(network)
        if len(heads) != 1 or len(heads[0]) != 1:
            raise SightlineError(
                f"params.yaml: model: {architecture} has no single last layer that could be taken off: take another"
            )
        for name, module in list(network.named_modules()):
            if module is heads[0][0]:
                parent, _, own = name.rpartition(".")
                setattr(network.get_submodule(parent), own, nn.Identity())
        self.network = network
        self.features = self._measure(input_size)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images).flatten(start_dim=1)

    @torch.no_grad()
    def _measure(self, input_size: int) -> int:
        training = self.network.training
        width = self.eval()(torch.zeros(1, self.network.image_channels, input_size, input_size)).shape[1]
        self.train(training)
        return width
