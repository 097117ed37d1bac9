"""Methods that learn from two views of images without labels: a backbone, what stands behind it, and their loss."""

from collections.abc import Callable

import torch
from torch import nn

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.losses import nt_xent


class SimCLR(nn.Module):
    """Chen et al., 2020: tell the two views of an image from all other images of the batch."""

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        self.backbone = backbone
        self.projector = nn.Sequential(
            *hidden_layer(backbone.features, settings.hidden), nn.Linear(settings.hidden, settings.dimensions)
        )
        self.temperature = settings.temperature

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the embeddings [N, dimensions] of the first views."""
        embeddings = self.projector(self.backbone(torch.cat([first, second])))
        views = embeddings.chunk(2)
        return nt_xent(*views, self.temperature), views[0]


def hidden_layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)


LEARNERS: dict[str, Callable[[Backbone, PretrainSection], nn.Module]] = {"simclr": SimCLR}
