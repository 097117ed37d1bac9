"""By what a saved training is told from others: parameters, data, code, versions and processors."""

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

from sightline.parameters.train import TrainParams

DATA = ("data/prepared/dataset.json", "data/prepared/index.csv", "data/split/split.csv")  # index.csv names all pixels


def fingerprint(params: TrainParams, files: Iterable[Path], processes: int, device: torch.device) -> str:
    """Return 16 hexadecimal digits that change with parameters (but `epochs`), data, code, versions and processors.

    Parameters
    ----------
    files : iterable of Path
        What the parameters name besides the data: weights, a teacher.
    """
    facts = {
        "params": params.model_dump(exclude={"epochs"}),
        "files": {str(path): digest(path) for path in [*map(Path, DATA), *sorted(files)]},
        "code": {name: digest(path) for name, path in sorted(loaded_code().items())},
        "versions": [sys.version, torch.__version__],
        "processors": [processes, device.type, torch.get_num_threads(), os.environ.get("ACCELERATE_MIXED_PRECISION")],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def loaded_code() -> dict[str, Path]:
    """Return module name -> file of Sightline's modules that this process has imported."""
    return {
        name: Path(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith("sightline.") and getattr(module, "__file__", None)
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
