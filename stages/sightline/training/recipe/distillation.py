"""Knowledge distillation: a student learns a teacher's probabilities beside the labels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.networks.classifier import Classifier
from sightline.networks.saved import load_members, read_spec
from sightline.networks.stack import Mean, Stack, combine, load_stack


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
    places : list of int or None
        Where the teacher's classes stand among the student's, where it knows some of them alone (Li and Hoiem, 2016,
        "Learning without Forgetting"): of the others it says nothing. None: both know the same.
    """

    teacher: Callable[[torch.Tensor], torch.Tensor]
    temperature: float
    weight: float
    places: list[int] | None = None

    def __call__(self, loss: torch.Tensor, logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Return the loss to minimise, from that of the labels and the student's logits for the same images."""
        with torch.no_grad():
            taught = self.teacher(images).float()
        asked = logits if self.places is None else logits[:, self.places]
        return (1 - self.weight) * loss + self.weight * divergence(asked.float(), taught, self.temperature)


def divergence(logits: torch.Tensor, taught: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean Kullback-Leibler divergence of tempered student from teacher, times temperature squared.

    The square keeps the gradients' size independent of the temperature.
    """
    student = functional.log_softmax(logits / temperature, dim=1)
    teacher = functional.log_softmax(taught / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


class Teacher(nn.Module):
    """An ensemble that never trains, and takes images as the student sees them.

    Hinton et al., 2015, "Distilling the Knowledge in a Neural Network"; that teacher and student see the same crop and
    flip is from Beyer et al., 2022, "Knowledge distillation: A good teacher is patient and consistent".

    Parameters
    ----------
    members : list of Classifier
        Each with its own mean, standard deviation and input size.
    stack : Stack or None
        Combines them; None: the mean of their probabilities.
    """

    def __init__(self, members: list[Classifier], stack: Stack | Mean | None = None):
        super().__init__()
        self.members = nn.ModuleList(members)
        self.stack = stack
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "Teacher":
        """Stay in evaluation mode, whatever mode the student is put into."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return log-probabilities; divided by a temperature and put through softmax they soften as logits do.

        Parameters
        ----------
        images : torch.Tensor
            Either stored pixels, uint8 [N, H, W, 3], which are cropped or enlarged as in prediction; or augmented
            images, float [N, 3, H, W] in [0, 1], not normalised, of which each member sees the whole at its own size.

        Returns
        -------
        torch.Tensor
            float32 [N, classes].
        """
        ask = _show if images.dtype == torch.uint8 else _ask
        return combine([ask(member, images).float() for member in self.members], self.stack).float()


def load_teacher(folder: str | Path, classes: list[str], channels: int = 3) -> Teacher:
    """Load an earlier `models/trained` as a teacher for these classes and images of so many channels, on the CPU.

    Raises
    ------
    SightlineError
        There is no model, its files do not fit together, or it knows other classes (some of these alone will do),
        another order of them, or other channels.
    """
    if not (Path(folder) / "model.json").is_file():
        raise SightlineError(
            f"params.yaml: distill.teacher: {folder} holds no model.json: put a copy of an earlier models/trained "
            "there, or fetch it with `dvc pull`"
        )
    spec = read_spec(folder)
    if not set(spec.classes) < set(classes) and spec.classes != classes:
        raise SightlineError(
            f"params.yaml: distill.teacher: {folder}: {_difference(spec.classes, classes)}: "
            "name a teacher that was trained on the same classes"
        )
    if spec.channels != channels:
        raise SightlineError(
            f"params.yaml: distill.teacher: {folder}: it takes images of prepare.channels: {spec.channels}, "
            f"not {channels}: name a teacher that was trained on such images"
        )
    return Teacher(load_members(folder, spec), load_stack(folder, spec))


def _show(member: Classifier, pixels: torch.Tensor) -> torch.Tensor:
    return member(pixels)


def _ask(member: Classifier, images: torch.Tensor) -> torch.Tensor:
    size = (member.input_size, member.input_size)
    if tuple(images.shape[2:]) != size:
        images = functional.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
    return member.network(member.normalize(images))


def _difference(known: list[str], wanted: list[str]) -> str:
    """Say in what two lists of classes differ first."""
    if len(known) != len(wanted):
        return f"it knows {len(known)} classes, and the images are of {len(wanted)}"
    position = next(index for index, pair in enumerate(zip(known, wanted, strict=True)) if pair[0] != pair[1])
    return f"its class {position} is {known[position]!r}, that of the images {wanted[position]!r}"
