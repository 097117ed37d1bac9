"""DINO: a student says of a view what its teacher says of the other one, as shares of prototypes."""

import torch
from torch import nn
from torch.nn import functional

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.methods.learner import Learner, cosines, hidden_layer
from sightline.pretraining.methods.teacher import Teacher

PROTOTYPES = 8  # for each dimension of the embeddings
CENTER_KEPT = 0.9  # of the centre, by an update, as there


class DINO(Learner):
    """Caron et al., 2021, "Emerging Properties in Self-Supervised Vision Transformers".

    Without its smaller local views, which gained nothing on small images.
    """

    def __init__(self, backbone: Backbone, settings: PretrainSection):
        super().__init__()
        self.student = Student(backbone, settings)
        self.teacher = Teacher(self.student, settings.ema_decay)
        self.register_buffer("center", torch.zeros(PROTOTYPES * settings.dimensions))
        self.temperature = settings.temperature
        self.sharper = settings.teacher_temperature

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, and the student's embeddings [N, dimensions] of the first views; the centre moves."""
        embeddings, guesses = self.student(torch.cat([first, second]))
        _, aims = self.teacher(torch.cat([second, first]))
        loss = self_distillation(guesses, aims, self.center, self.temperature, self.sharper)
        self.center = self.center.lerp(aims.mean(dim=0), 1 - CENTER_KEPT)
        return loss, embeddings[: len(first)]

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
    guesses: torch.Tensor, aims: torch.Tensor, center: torch.Tensor, temperature: float, sharper: float
) -> torch.Tensor:
    """Return the mean cross-entropy of the student's shares under the teacher's of the other view (equation 2).

    Parameters
    ----------
    guesses, aims : Tensor of float32 [N, prototypes]
        Scores of the student for some views, and of the teacher for the other view of the same images.
    center : Tensor of float32 [prototypes]
        Taken from the teacher's scores, so that no prototype wins everywhere.
    temperature, sharper : float
        > 0: the student's and the teacher's; a lower one for the teacher keeps the shares from becoming equal.
    """
    shares = functional.softmax((aims - center) / sharper, dim=1)
    return functional.cross_entropy(guesses / temperature, shares)
