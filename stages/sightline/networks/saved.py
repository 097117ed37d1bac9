"""`models/trained`: one safetensors file a member, and model.json with all that is needed to predict."""

from pathlib import Path
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sightline.common.errors import SightlineError
from sightline.common.files import naming_damage, read_record, remedy, replacing, write_json
from sightline.common.params import StrictModel
from sightline.images.store import StoredPreprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.head import AS_BUILT, Head, shape_head
from sightline.networks.classifier import Classifier


def _of_each_channel(levels: list[float]) -> list[float]:
    if len(levels) not in (1, 3):
        raise ValueError("must be one number or three")
    return levels


Levels = Annotated[list[float], AfterValidator(_of_each_channel)]


class Member(StrictModel):
    """One trained network: its architecture, its weights' file, and the fold that it did not see."""

    architecture: str
    file: str
    fold: int | None


class ModelSpec(StrictModel):
    """The content of model.json; `stack` is the file of the regression that combines the members, None: their mean."""

    classes: list[str] = Field(min_length=2)
    preprocessing: StoredPreprocessing
    input_size: int = Field(gt=0)
    mean: Levels
    std: Levels
    members: list[Member] = Field(min_length=1)
    stack: str | None = None
    head: Head = AS_BUILT  # of models from before there was a choice

    @property
    def channels(self) -> int:
        """How many channels an image has."""
        return len(self.mean)


def write_spec(folder: str | Path, spec: ModelSpec) -> None:
    """Write model.json."""
    write_json(Path(folder) / "model.json", spec.model_dump())


def read_spec(folder: str | Path) -> ModelSpec:
    """Read model.json, refusing one that an incompatible version wrote."""
    return read_record(ModelSpec, Path(folder) / "model.json")


def write_weights(path: str | Path, weights: dict[str, torch.Tensor]) -> None:
    """Write a network's state dict, from whatever device it is on, as safetensors."""
    with replacing(path) as beside:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, beside)


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a file that train wrote, on the CPU."""
    try:
        with naming_damage(path, SafetensorError):
            return load_file(path)
    except FileNotFoundError:
        raise SightlineError(f"{path}: not found: `dvc repro` trains it, `dvc pull` fetches it") from None


def load_members(folder: str | Path, spec: ModelSpec) -> list[Classifier]:
    """Build every member with its weights, on the CPU, in evaluation mode.

    Raises
    ------
    SightlineError
        A weights file is missing or damaged, or belongs to another network.
    """
    return [_load_member(Path(folder) / member.file, member, spec).eval() for member in spec.members]


def _load_member(path: Path, member: Member, spec: ModelSpec) -> Classifier:
    network = build_network(
        member.architecture, len(spec.classes), spec.input_size, pretrained=False, channels=spec.channels
    )
    shape_head(network, spec.head, member.architecture, len(spec.classes), spec.input_size)
    try:
        network.load_state_dict(read_weights(path))
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise SightlineError(
            f"{path}: not the weights of {member.architecture} with its classes: {reason}: {remedy(path)}"
        ) from None
    return Classifier(network, spec.mean, spec.std, spec.input_size)
