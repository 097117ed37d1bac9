"""What the service wrote down of its answers, read again."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sightline.common.errors import SightlineError


class Seen(NamedTuple):
    """One answered image; `pixels` is None where the service had no time for it, `arm` and `unit` are of a rollout."""

    time: str
    request: str
    image: str
    predicted: str
    confidence: float
    top: dict[str, float]
    pixels: dict[str, float] | None
    arm: str = ""
    unit: str = ""


@dataclass
class Log:
    """The images that one model answered, in the order of their lines, and how many lines are left out."""

    seen: list[Seen]
    others: int  # of other models
    damaged: int


def read_log(folder: Path, model: str) -> Log:
    """Read all lines in a folder of a model, named by the first digits of its SHA-256.

    Raises
    ------
    SightlineError
        There is no line of this model.
    """
    log = Log([], others=0, damaged=0)
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise SightlineError(f"{folder}: no .jsonl there: start the service with SIGHTLINE_LOG={folder}")
    for line in _lines(files):
        try:
            content = json.loads(line)
            seen = _read(content)
        except (ValueError, TypeError, KeyError, AttributeError):
            log.damaged += 1
            continue
        if model.startswith(content["model"]):
            log.seen.append(seen)
        else:
            log.others += 1
    if not log.seen:
        raise SightlineError(
            f"{folder}: {log.others} lines of other models, {log.damaged} damaged, none of {model[:16]}: name the "
            f"file of the model that answered"
        )
    return log


def sha256_of(model: Path) -> str:
    """Return the SHA-256 of a model's file, by which lines name it; raises SightlineError where it is not there."""
    if not model.is_file():
        raise SightlineError(f"{model}: not found: `dvc repro` makes it, `dvc pull` fetches it, or name another")
    return hashlib.sha256(model.read_bytes()).hexdigest()


def _lines(files: list[Path]) -> Iterator[bytes]:
    """Yield whole lines: the last of a file may still be written."""
    for path in files:
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _read(line: dict) -> Seen:
    numbers = line["pixels"]
    return Seen(
        str(line["time"]),
        str(line["request"]),
        str(line["image"]),
        str(line["class"]),
        float(line["confidence"]),
        {str(name): float(value) for name, value in line["top"].items()},
        None if numbers is None else {str(name): float(value) for name, value in numbers.items()},
        str(line.get("arm", "")),
        str(line.get("unit", "")),
    )
