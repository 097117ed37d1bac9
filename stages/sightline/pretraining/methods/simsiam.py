"""SimSiam: one view predicts the other, and no other image is needed."""

import torch
from torch import nn
from torch.nn import functional

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.methods.learner import Learner, hidden_layer

NARROWER = 4  # times, the predictor's middle: a bottleneck, as there (section 3)


class SimSiam(Learner):
    """Chen & He, 2021, "Exploring Simple Siamese Representation Learning"."""

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        hidden = settings.hidden
        dimensions = settings.dimensions
        self.backbone = backbone
        self.projector = nn.Sequential(
            *hidden_layer(backbone.features, hidden),
            nn.Linear(hidden, dimensions, bias=False),
            nn.BatchNorm1d(dimensions, affine=False),
        )
        middle = max(1, dimensions // NARROWER)
        self.predictor = nn.Sequential(*hidden_layer(dimensions, middle), nn.Linear(middle, dimensions))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the embeddings [N, dimensions] of the first views."""
        embeddings = [self.projector(self.backbone(view)) for view in (first, second)]
        predictions = [self.predictor(embedding) for embedding in embeddings]
        return symmetric_cosine(predictions, embeddings), embeddings[0]


def symmetric_cosine(predictions: list[torch.Tensor], embeddings: list[torch.Tensor]) -> torch.Tensor:
    """Return the mean negative cosine of each view's prediction with the other view's embedding, which is held still.

    Both are two Tensors of float [N, dimensions] (equations 1 and 4).
    """
    pairs = zip(predictions, reversed(embeddings), strict=True)
    parts = [functional.cosine_similarity(guess.float(), aim.detach().float(), dim=1) for guess, aim in pairs]
    return -torch.cat(parts).mean()
