"""MoCo: an image's other view, seen by a teacher, is told from the images of many batches before."""

import torch
from torch import nn
from torch.nn import functional

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.methods.learner import Learner, cosines, hidden_layer
from sightline.pretraining.methods.teacher import Teacher


class MoCo(Learner):
    """He et al., 2020, "Momentum Contrast"; the projector is that of v2, and each view plays both roles."""

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        projector = nn.Sequential(
            *hidden_layer(backbone.features, settings.hidden), nn.Linear(settings.hidden, settings.dimensions)
        )
        self.student = nn.Sequential(backbone, projector)
        self.teacher = Teacher(self.student, settings.ema_decay)
        self.register_buffer("queue", functional.normalize(torch.randn(settings.queue, settings.dimensions), dim=1))
        self.temperature = settings.temperature

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the embeddings [N, dimensions] of the first views; the queue takes the teacher's."""
        queries = self.student(torch.cat([first, second]))
        keys = functional.normalize(self.teacher(torch.cat([second, first])).float(), dim=1)
        loss = info_nce(queries, keys, self.queue, self.temperature)
        self.queue = enqueue(keys, self.queue)
        return loss, queries[: len(first)]

    def after_update(self, done: int, updates: int) -> None:
        self.teacher.follow(self.student, done, updates)


def info_nce(queries: torch.Tensor, keys: torch.Tensor, others: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the cross-entropy of finding each query's own key among the others (equation 1).

    Parameters
    ----------
    queries, keys : Tensor of float [N, dimensions]
        Embeddings of an image's two views, of any length.
    others : Tensor of float [M, dimensions]
        Those of other images, of any length.
    temperature : float
        > 0: a lower one looks at the most similar images alone.
    """
    own = functional.cosine_similarity(queries.float(), keys.float(), dim=1).unsqueeze(1)
    logits = torch.cat([own, cosines(queries, others)], dim=1) / temperature
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))


def enqueue(keys: torch.Tensor, queue: torch.Tensor) -> torch.Tensor:
    """Return a queue of the same length in which keys, the newest first, take the places of the oldest ones."""
    return torch.cat([keys, queue])[: len(queue)]
