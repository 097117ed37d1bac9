"""The values of a trained model's weights, and of their gradients on training images, parameter by parameter."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from sightline.common.rows import evenly
from sightline.images.samples import Samples, read_samples
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.classifier import Classifier
from sightline.networks.saved import Member, ModelSpec, load_members, read_spec
from sightline.reporting.revision import Revision

IMAGES = 64  # of training, on which gradients are taken
MOMENTS = ("best", "last")  # epochs whose weights train keeps
TRAINED, PREPARED, SPLIT = "models/trained", "data/prepared/index.csv", "data/split/split.csv"


@dataclass(frozen=True)
class Spread:
    """The values of one parameter of a network, or of its gradient.

    Parameters
    ----------
    name : str
        "weights_best/conv1.weight": kind, epoch and parameter.
    values : ndarray
        float32 [n].
    """

    name: str
    values: np.ndarray


def read_spreads(revision: Revision, folder: Path) -> dict[str, list[Spread]]:
    """Return member -> weights and gradients after its best and its last epoch; empty where the model is not here.

    Gradients are of the cross-entropy of images that the member trained on, as they are stored, without augmentation.
    `folder`, an empty one, takes copies of what is read.
    """
    if not revision.fetch(TRAINED, folder / TRAINED):
        return {}
    spec = read_spec(folder / TRAINED)
    samples = fetch_samples(revision, folder)
    spreads: dict[str, list[Spread]] = {}
    for moment in MOMENTS:
        moved = spec.model_copy(update={"members": [at_moment(member, moment) for member in spec.members]})
        for member, classifier in zip(spec.members, load_members(folder / TRAINED, moved), strict=True):
            if is_handcrafted(member.architecture):
                continue
            own = spreads.setdefault(name_of(member, spec), [])
            own += [spread_of(f"weights_{moment}", *named) for named in classifier.network.named_parameters()]
            if samples is not None:
                own += spread_gradients(classifier, revision, seen_by(member, samples), moment)
    return spreads


def at_moment(member: Member, moment: str) -> Member:
    """Return a member whose file is that of its best or its last epoch."""
    stem = Path(member.file).stem.rpartition("_")[0]
    return member.model_copy(update={"file": f"{stem}_{moment}.safetensors"})


def name_of(member: Member, spec: ModelSpec) -> str:
    """Return what plots/train/epochs.csv calls a member."""
    several = len({other.architecture for other in spec.members}) > 1
    return "/".join([member.architecture] * several + [f"fold_{member.fold}"] * (member.fold is not None))


def fetch_samples(revision: Revision, folder: Path) -> Samples | None:
    """Return which images take part; None where index or split are not here."""
    for path in (PREPARED, SPLIT):
        content = revision.read(path)
        if content is None:
            return None
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return read_samples(folder / "data/prepared", folder / "data/split")


def seen_by(member: Member, samples: Samples) -> Samples:
    """Return some of the images that a member trained on, evenly chosen."""
    trained = (
        samples.of("train") if member.fold is None else samples[(samples.fold >= 0) & (samples.fold != member.fold)]
    )
    chosen = np.zeros(len(trained), dtype=bool)
    chosen[evenly(len(trained), IMAGES)] = True
    return trained[chosen]


def spread_gradients(classifier: Classifier, revision: Revision, samples: Samples, moment: str) -> list[Spread]:
    """Return the gradient of each parameter that has one; none where the pixels are not here."""
    pixels = revision.read_pixels(samples.row.tolist())
    if pixels is None:
        return []
    logits = classifier(torch.from_numpy(pixels))
    functional.cross_entropy(logits, torch.from_numpy(samples.label).long()).backward()
    named = [(name, parameter.grad) for name, parameter in classifier.network.named_parameters()]
    return [spread_of(f"gradients_{moment}", name, values) for name, values in named if values is not None]


def spread_of(kind: str, name: str, values: torch.Tensor) -> Spread:
    """Return the values of a tensor under a name."""
    return Spread(f"{kind}/{name}", values.detach().float().flatten().numpy())
