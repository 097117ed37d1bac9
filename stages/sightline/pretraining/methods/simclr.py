"""SimCLR: the two views of an image are told from all other images of the batch."""

import torch
from torch import nn
from torch.nn import functional

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.methods.learner import Learner, cosines, hidden_layer


class SimCLR(Learner):
    """Chen et al., 2020, "A Simple Framework for Contrastive Learning of Visual Representations"."""

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


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the normalised temperature-scaled cross-entropy.

    Each embedding must find that of its image's other view among all others of the batch by cosine similarity
    (equation 1).

    Parameters
    ----------
    first, second : Tensor of float [N, dimensions]
        Embeddings of two views of each image, of any length; N at least 2, or there is nothing to tell apart.
    temperature : float
        > 0: a lower one looks at the most similar images alone.
    """
    count = len(first)
    embeddings = torch.cat([first, second])
    similarities = cosines(embeddings, embeddings) / temperature
    itself = torch.eye(2 * count, dtype=torch.bool, device=first.device)
    other_view = torch.arange(2 * count, device=first.device).roll(count)
    return functional.cross_entropy(similarities.masked_fill(itself, float("-inf")), other_view)
