"""Answers as lines of JSON, one an image: what `make monitor` reads."""

import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sightline.scoring.pixel_summary import DECIMALS, summarize_pixels
from sightline.serving.model import ExportedModel
from sightline.serving.rollout.arms import NONE, Arm

SMALLEST = 0.001  # probability in a line, besides the highest
NAME = 16  # hexadecimal digits of the model's SHA-256 that name it


class Answered(NamedTuple):
    """An image that was answered.

    `time` in seconds since 1970, `pixels` uint8 [S, S, C], `probabilities` float32 [classes]; `file` as it came, or
    None where the request held the pixels; `arm` where two models answer.
    """

    time: float
    request: str
    model: ExportedModel
    pixels: np.ndarray
    probabilities: np.ndarray
    file: bytes | None
    arm: Arm = NONE

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return self.pixels.nbytes + len(self.file or b"")


def hash_of(image: Answered) -> str:
    """Return the SHA-256 of the image's file, or of its pixels where there is none."""
    return hashlib.sha256(image.pixels.tobytes() if image.file is None else image.file).hexdigest()


def look_at(images: list[Answered]) -> list[str]:
    """Return the numbers of `summarize_pixels` for images of one shape, as JSON."""
    looks = summarize_pixels(np.stack([image.pixels for image in images]), np.arange(len(images)))
    form = "{" + ", ".join(f'"{name}": %.{DECIMALS}f' for name in looks) + "}"
    return [form % row for row in zip(*(values.tolist() for values in looks.values()), strict=True)]


def write_lines(images: list[Answered], hashes: list[str], looks: list[str], most: int) -> bytes:
    """Return a line for each image of one model, with up to `most` of its probabilities, none below `SMALLEST`."""
    model = images[0].model
    names = [json.dumps(name, ensure_ascii=False) for name in model.classes]
    probabilities = np.stack([image.probabilities for image in images])
    orders = np.argsort(-probabilities, axis=1, kind="stable")[:, :most]
    found = np.take_along_axis(probabilities, orders, axis=1)
    counts = np.maximum(1, (found >= SMALLEST).sum(axis=1)).tolist()
    lines = []
    for row, (image, order, sure) in enumerate(zip(images, orders.tolist(), found.tolist(), strict=True)):
        top = ", ".join([f"{names[code]}: {sure[place]:.6f}" for place, code in enumerate(order[: counts[row]])])
        decided = "true" if sure[0] >= model.rule.min_confidence else "false"
        lines.append(
            f'{{"time": "{_second(int(image.time))}.{int(image.time % 1 * 1000):03}Z", "request": "{image.request}", '
            f'"model": "{model.sha256[:NAME]}", "image": "{hashes[row]}", "class": {names[order[0]]}, '
            f'"confidence": {sure[0]:.6f}, "decided": {decided}, "top": {{{top}}}, '
            f'"pixels": {looks[row]}{_tell(image.arm)}}}\n'
        )
    return "".join(lines).encode()


def _tell(arm: Arm) -> str:
    unit = f', "unit": "{arm.unit}"' if arm.unit else ""
    return f', "arm": "{arm.name}"{unit}' if arm.name else ""


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
