"""An exported model as predict and the service use it; needs onnxruntime, Pillow and NumPy alone."""

import hashlib
import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sightline.common.errors import SightlineError
from sightline.deployment.runtime import onnxruntime
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing

STATE = onnxruntime.capi.onnxruntime_pybind11_state
UNREADABLE = (STATE.Fail, STATE.InvalidArgument, STATE.InvalidGraph, STATE.InvalidProtobuf)  # of what is no model
CPU = "CPUExecutionProvider"
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # what a container may use


class Conformal(NamedTuple):
    """How prediction sets are made, as `models/calibration.json` says."""

    method: str
    coverage: float
    threshold: float | None


@dataclass(frozen=True)
class DecisionRule:
    """When a model decides, and what its prediction sets are; one exported without a rule always does, without sets."""

    min_confidence: float = 0.0
    conformal: Conformal | None = None


@dataclass(frozen=True)
class ExportedModel:
    """A model with what its metadata tells: the classes in order, how pixels are made, how it decides.

    `sha256` is that of its file.
    """

    session: onnxruntime.InferenceSession
    classes: list[str]
    preprocessing: Preprocessing
    rule: DecisionRule
    sha256: str

    def decode(self, data: bytes, max_pixels: int) -> np.ndarray:
        """Return an image file's pixels uint8 [S, S, C]; raises BadImageError for what is not an image."""
        return decode(data, self.preprocessing, max_pixels).pixels

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities float32 [n, classes] of pixels uint8 [n, S, S, C], n > 0."""
        return self.session.run(None, {"pixels": pixels})[0]


def open_model(path: str | Path, threads: int, providers: tuple[str, ...] = (CPU,)) -> ExportedModel:
    """Open a model that Sightline exported.

    Raises
    ------
    SightlineError
        There is none, it is damaged or not Sightline's, or a provider cannot be had here.
    """
    if not Path(path).is_file():
        raise SightlineError(f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it, or name another")
    content = Path(path).read_bytes()
    try:
        session = onnxruntime.InferenceSession(content, _options(threads), providers=_known(providers))
    except UNREADABLE:
        raise SightlineError(
            f"{path}: damaged, or no ONNX model: `dvc repro export` makes it anew, or name another"
        ) from None
    _require(providers, session.get_providers())
    metadata = session.get_modelmeta().custom_metadata_map
    if "preprocessing" not in metadata:
        raise SightlineError(f"{path}: does not tell how to make its pixels: export it with Sightline")
    return ExportedModel(
        session=session,
        classes=json.loads(metadata["classes"]),
        preprocessing=_read_preprocessing(json.loads(metadata["preprocessing"])),
        rule=_read_rule(json.loads(metadata.get("decision", "{}"))),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def count_cores() -> int:
    """Return how many cores this process may use: those of its affinity, fewer where a container has a quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if QUOTA.is_file():
        quota, period = QUOTA.read_text().split()
        if quota != "max":
            cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


def _options(threads: int) -> onnxruntime.SessionOptions:
    """Compute with so many threads, which sleep while they wait: spinning ones take the decoders' time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _known(providers: tuple[str, ...]) -> list[str]:
    _require(providers, onnxruntime.get_available_providers())
    return list(providers)


def _require(providers: tuple[str, ...], there: list[str]) -> None:
    """Refuse providers that are not there: onnxruntime would silently compute on the CPU."""
    missing = [name for name in providers if name not in there]
    if missing:
        raise SightlineError(f"{missing[0]}: cannot be had here, only {', '.join(there)}: install its onnxruntime")


def _read_preprocessing(contract: dict) -> Preprocessing:
    known = {field.name for field in fields(Preprocessing)}
    return Preprocessing(**{name: value for name, value in contract.items() if name in known})


def _read_rule(decision: dict) -> DecisionRule:
    conformal = decision.get("conformal")
    return DecisionRule(decision.get("min_confidence", 0.0), Conformal(**conformal) if conformal else None)
