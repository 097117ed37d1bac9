"""A teacher for distillation: an earlier `models/trained`, asked about images that the student sees."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.networks.saved import load_members, read_spec


class Teacher(nn.Module):
    """Log-probabilities [N, classes] of float images [N, 3, H, W] in [0, 1], each member normalising as it learnt to."""

    def __init__(self, members: list[Classifier]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return mean_log_probabilities([self._ask(member, images) for member in self.members])

    @staticmethod
    def _ask(member: Classifier, images: torch.Tensor) -> torch.Tensor:
        size = member.input_size
        if images.shape[2] != size:
            images = functional.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
        return member.network(member.normalize(images)).float()


def load_teacher(folder: Path, classes: list[str]) -> Teacher:
    """Load all members of an earlier `models/trained`, frozen and in evaluation mode.

    Raises
    ------
    SightlineError
        It was trained on other classes, or on the same ones in another order.
    """
    spec = read_spec(folder)
    if spec.classes != classes:
        odd = sorted(set(spec.classes) ^ set(classes)) or ["their order"]
        raise SightlineError(
            f"params.yaml: distill.teacher: {folder} knows {len(spec.classes)} classes, the images have {len(classes)} "
            f"(different: {', '.join(odd[:3])}): choose a teacher of the same classes"
        )
    return Teacher(load_members(folder, spec)).eval().requires_grad_(False)
