"""Where the model lies that is to answer."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sightline.common.errors import SightlineError

REST = 0.2  # s
FIRST = "1"  # the version of a model that lies in no folder of versions


@dataclass(frozen=True)
class Found:
    """A model's file as it lies there: `stamp` changes whenever it is replaced."""

    path: Path
    version: str
    stamp: tuple


def find_model(path: str) -> Found:
    """Find the model to serve: a file, or the highest number of a folder's <number>/model.onnx.

    Raises
    ------
    SightlineError
        There is none.
    """
    place = Path(path)
    version = FIRST
    if place.is_dir():
        numbers = [int(folder.name) for folder in place.iterdir() if folder.name.isascii() and folder.name.isdigit()]
        numbers = [number for number in numbers if (place / str(number) / "model.onnx").is_file()]
        if not numbers:
            raise SightlineError(f"{path}: no <number>/model.onnx there: `dvc repro` makes models/exported/model.onnx")
        version = str(max(numbers))
        place = place / version / "model.onnx"
    try:
        return Found(place, version, _stamp(place))
    except OSError:
        raise SightlineError(
            f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it, or name another"
        ) from None


async def is_at_rest(found: Found) -> bool:
    """Tell whether a file stays as it is for a moment: one that is being copied grows."""
    await asyncio.sleep(REST)
    try:
        return found.stamp == _stamp(found.path)
    except OSError:
        return False


def _stamp(path: Path) -> tuple:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev
