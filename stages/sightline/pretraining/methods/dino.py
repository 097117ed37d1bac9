"""DINO: a student says of each view what its teacher says of another one, as shares of prototypes."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.methods.learner import Learner, cosines, hidden_layer
from sightline.pretraining.methods.teacher import Teacher

GLOBAL = 2  # views, the first ones, which the teacher sees
PROTOTYPES = 8  # for each dimension of the embeddings
CENTER_KEPT = 0.9  # of the centre, by an update (table 15)


class DINO(Learner):
    """Caron et al., 2021, "Emerging Properties in Self-Supervised Vision Transformers"."""

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        self.student = Student(backbone, settings)
        self.teacher = Teacher(self.student, settings.ema_decay)
        self.register_buffer("center", torch.zeros(PROTOTYPES * settings.dimensions))
        self.temperature = settings.temperature
        self.sharper = settings.teacher_temperature

    def forward(self, *views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the student's embeddings [N, dimensions] of the first views; the centre moves."""
        count = len(views[0])
        embeddings, scores = self.student(torch.cat(views[:GLOBAL]))
        aims = self.teacher(torch.cat(views[:GLOBAL]))[1].chunk(GLOBAL)
        guesses = list(scores.chunk(GLOBAL))
        if local := views[GLOBAL:]:
            guesses += self.student(torch.cat(local))[1].chunk(len(local))
        loss = self_distillation(guesses, aims, self.center, self.temperature, self.sharper)
        self.center = next_center(self.center, aims)
        return loss, embeddings[:count]

    def after_update(self, done: int, updates: int) -> None:
        self.teacher.follow(self.student, done, updates)


class Student(nn.Module):
    """Normalised images in, embeddings [N, dimensions] and their cosines with the prototypes, float32, out."""

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        self.backbone = backbone
        self.projector = nn.Sequential(
            *hidden_layer(backbone.features, settings.hidden),
            *hidden_layer(settings.hidden, settings.hidden),
            nn.Linear(settings.hidden, settings.dimensions),
        )
        self.prototypes = nn.Linear(settings.dimensions, PROTOTYPES * settings.dimensions, bias=False)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embeddings = self.projector(self.backbone(images))
        return embeddings, cosines(embeddings, self.prototypes.weight)


def self_distillation(
    guesses: Sequence[torch.Tensor],
    aims: Sequence[torch.Tensor],
    center: torch.Tensor,
    temperature: float,
    sharper: float,
) -> torch.Tensor:
    """Return the mean cross-entropy of the student's shares under the teacher's of each other view (equations 2 and 3).

    Parameters
    ----------
    guesses, aims : sequence of Tensor of float32 [N, prototypes]
        Scores of the student, for all views, and of the teacher, for the first ones of them.
    center : Tensor of float32 [prototypes]
        Taken from the teacher's scores, so that no prototype wins everywhere.
    temperature, sharper : float
        > 0: the student's and the teacher's; a lower one for the teacher keeps the shares from becoming equal.
    """
    shares = [functional.softmax((aim - center) / sharper, dim=1) for aim in aims]
    logarithms = [functional.log_softmax(guess / temperature, dim=1) for guess in guesses]
    terms = [
        -(share * logarithm).sum(dim=1).mean()
        for own, share in enumerate(shares)
        for other, logarithm in enumerate(logarithms)
        if other != own
    ]
    return torch.stack(terms).mean()


def next_center(center: torch.Tensor, aims: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the centre [prototypes] that has taken in a batch of the teacher's scores (equation 4)."""
    return center.lerp(torch.cat(list(aims)).mean(dim=0), 1 - CENTER_KEPT)
