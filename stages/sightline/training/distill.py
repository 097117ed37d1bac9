"""Knowledge distillation: a student learns a teacher's probabilities beside the labels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Distillation:
    """Hinton et al., 2015, "Distilling the Knowledge in a Neural Network".

    Parameters
    ----------
    teacher : callable
        Returns logits or log-probabilities [N, C] of images [N, 3, H, W] in [0, 1], the student's augmented ones.
    temperature : float
        > 0; both sides' logits are divided by it, so that the teacher's small probabilities count.
    weight : float
        In [0, 1]: the share of the teacher in the loss; the labels have the rest.
    """

    teacher: Callable[[torch.Tensor], torch.Tensor]
    temperature: float
    weight: float

    def __call__(self, loss: torch.Tensor, logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Return the loss to minimise, from that of the labels and the student's logits for the same images."""
        with torch.no_grad():
            taught = self.teacher(images).float()
        return (1 - self.weight) * loss + self.weight * divergence(logits.float(), taught, self.temperature)


def divergence(logits: torch.Tensor, taught: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean Kullback-Leibler divergence of tempered student from teacher, times temperature squared.

    The square keeps the gradients' size independent of the temperature.
    """
    student = functional.log_softmax(logits / temperature, dim=1)
    teacher = functional.log_softmax(taught / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2
