"""What is known of given weights: where they come from, and the pixels that they expect."""

import hashlib
from pathlib import Path
from typing import Any

from pydantic import Field

from sightline.common.errors import SightlineError
from sightline.common.files import read_record
from sightline.common.params import StrictModel
from sightline.networks.architectures.build import is_own
from sightline.networks.saved import Levels, ModelSpec, read_spec
from sightline.parameters.train import TrainParams

SAME = 1e-3  # between two means or deviations, of [0, 1]


class Expected(StrictModel):
    """The preprocessing that weights were trained for; `crop_share` of an image's shorter side is what they saw."""

    mean: Levels
    std: Levels
    interpolation: str
    crop_share: float = Field(gt=0, le=1)
    input_size: int = Field(gt=0)

    def __str__(self) -> str:
        levels = f"mean {_list(self.mean)}, deviation {_list(self.std)}"
        return f"{self.input_size} px, {self.interpolation}, crop share {self.crop_share:.3g}, {levels}"


class Published(StrictModel):
    """The content of the JSON that `stages/weights.py` writes beside the weights."""

    name: str
    source: str
    version: str
    licence: str
    archive_sha256: str | None
    weights_sha256: str
    tensors: int
    parameters: int
    preprocessing: Expected
    pretraining: dict[str, Any] | None = None  # how weights came about that `make pretrain` learnt


def read_published(weights: Path) -> Published | None:
    """Read what is known of a weights file; None where no JSON lies beside it, or the JSON is alone.

    Raises
    ------
    SightlineError
        The JSON describes another file.
    """
    path = weights.with_suffix(".json")
    if not path.is_file() or not weights.is_file():  # Git brings the one, `dvc pull` the other
        return None
    published = read_record(Published, path)
    if published.weights_sha256 != sha256_of(weights):
        raise SightlineError(f"{path}: describes other weights than {weights.name}: `make weights` writes both anew")
    return published


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_channels(levels: list[float], channels: int) -> list[float]:
    """Return means or deviations for images of so many channels: of one, the mean of three; of three, one for each."""
    if len(levels) == channels:
        return levels
    return [sum(levels) / len(levels)] * channels


def weights_notes(params: TrainParams, spec: ModelSpec) -> list[str]:
    """Return what given weights expect, in a line, and where this training differs, in another; none for none."""
    expected = _expected(params)
    if expected is None:
        return []
    notes = [f"train: the weights expect {expected}"]
    differing = _differences(expected, params, spec)
    if differing:
        notes.append(f"train: unlike that, {', '.join(differing)}")
    return notes


def timm_expected(architecture: str) -> Expected | None:
    """Return what timm's configuration says of a network's weights; None for an own network or one without."""
    if is_own(architecture):
        return None
    import timm  # takes over a second to import, which Sightline's own networks need not wait for

    try:
        config = timm.get_pretrained_cfg(architecture)
    except RuntimeError:  # a tag that timm does not know, which building the network tells
        return None
    return None if config is None else from_config(config)


def from_config(config) -> Expected:
    """Return the preprocessing of one of timm's `PretrainedCfg`."""
    return Expected(
        mean=list(config.mean),
        std=list(config.std),
        interpolation=config.interpolation,
        crop_share=config.crop_pct,
        input_size=config.input_size[-1],
    )


def _expected(params: TrainParams) -> Expected | None:
    if not params.weights:
        return timm_expected(params.architectures[0]) if params.pretrained else None
    weights = Path(params.weights)
    if weights.is_dir():
        return _from_spec(read_spec(weights))
    published = read_published(weights)
    return published.preprocessing if published else timm_expected(params.architectures[0])


def _from_spec(spec: ModelSpec) -> Expected:
    return Expected(
        mean=spec.mean,
        std=spec.std,
        interpolation=spec.preprocessing.resample,
        crop_share=min(1.0, spec.input_size / spec.preprocessing.image_size),
        input_size=spec.input_size,
    )


def _differences(expected: Expected, params: TrainParams, spec: ModelSpec) -> list[str]:
    resample = spec.preprocessing.resample
    differing = []
    if spec.input_size != expected.input_size:
        differing.append(f"the network takes {spec.input_size} px")
    if resample != expected.interpolation:
        differing.append(f"prepare.resample is {resample}")
    theirs = [in_channels(levels, spec.channels) for levels in (expected.mean, expected.std)]
    pairs = zip(spec.mean + spec.std, theirs[0] + theirs[1], strict=True)
    if any(abs(own - other) > SAME for own, other in pairs):
        differing.append(
            f"normalization is {params.normalization}: mean {_list(spec.mean)}, deviation {_list(spec.std)}"
        )
    return differing


def _list(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)
