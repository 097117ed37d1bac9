"""Methods that learn from two views of images without labels: a backbone, what stands behind it, and their loss."""

from collections.abc import Callable

import torch
from torch import nn

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.losses import negative_cosine, nt_xent

BOTTLENECK = 4  # times as wide as the middle of SimSiam's predictor


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


class SimSiam(nn.Module):
    """Chen & He, 2021: predict one view's embedding from the other's, which gets no gradient; no other images."""

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        self.backbone = backbone
        dimensions = settings.dimensions
        self.projector = nn.Sequential(
            *hidden_layer(backbone.features, settings.hidden),
            *hidden_layer(settings.hidden, settings.hidden),
            nn.Linear(settings.hidden, dimensions, bias=False),
            nn.BatchNorm1d(dimensions, affine=False),
        )
        middle = max(1, dimensions // BOTTLENECK)
        self.predictor = nn.Sequential(*hidden_layer(dimensions, middle), nn.Linear(middle, dimensions))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the embeddings [N, dimensions] of the first views."""
        embeddings = self.projector(self.backbone(torch.cat([first, second])))
        predicted = self.predictor(embeddings).chunk(2)
        targets = embeddings.chunk(2)
        loss = (negative_cosine(predicted[0], targets[1]) + negative_cosine(predicted[1], targets[0])) / 2
        return loss, targets[0]


def hidden_layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)


LEARNERS: dict[str, Callable[[Backbone, PretrainSection], nn.Module]] = {"simclr": SimCLR, "simsiam": SimSiam}
