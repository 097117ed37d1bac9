"""A service that is killed and started again, and what its answers must be."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from serving_contenders import SERVICE, free_port, wait_for
from sightline.images.decoding.bad_image import BadImageError
from sightline.serving.answers import answer, judge
from sightline.serving.errors import ServiceError
from sightline.serving.formats import refuse_other_formats
from sightline.serving.model import open_model

TOP = 3  # classes, the service's default
LARGEST = 64_000_000  # px, the service's default
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
ROUNDING = 2e-5  # of a probability: another batch, another order of sums
END = b"\r\n\r\n"


class Watched:
    """The service as a process, in a folder of its own, which holds the model's versions."""

    def __init__(self, model: Path, folder: Path):
        self.port = free_port()
        self.changes = 1  # odd while it ends or does not run
        self._model = model
        self._folder = folder
        self._version = 0
        self._add_version()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        told = {"model": self._folder / "versions", "port": self.port, "watch_s": 0, "body_s": 5}
        environment = {f"SIGHTLINE_{name.upper()}": str(value) for name, value in told.items()}
        log = self._folder / "log"
        with log.open("a") as stream:
            self._process = subprocess.Popen(SERVICE, env=os.environ | environment, stdout=stream, stderr=stream)
        wait_for(self._process, self.port, log)
        self.changes += 1

    def end(self, number: int) -> None:
        """Send it SIGKILL or SIGTERM, and wait until it is gone."""
        self.changes += 1
        self._process.send_signal(number)
        self._process.wait()

    def replace_model(self) -> None:
        """Let it take the same model as another version."""
        self._add_version()
        self._process.send_signal(signal.SIGHUP)

    def _add_version(self) -> None:
        self._version += 1
        place = self._folder / "versions" / str(self._version)
        place.mkdir(parents=True)
        beside = place / "partial"
        shutil.copy(self._model, beside)
        beside.rename(place / "model.onnx")


class Truth:
    """What the service must answer, computed here with the same model, one image at a time."""

    def __init__(self, model: Path):
        self._model = open_model(model, threads=1)

    def of(self, file: bytes | None) -> dict | None:
        """Return the answer for a file, None for one that must be refused."""
        try:
            refuse_other_formats(file or b"", FORMATS)
            pixels = self._model.decode(file, LARGEST)
        except (BadImageError, ServiceError):
            return None
        return answer(self._model, judge(self._model.rule, self._model.run(pixels[None]))[0], TOP)


def is_right(told: dict, expected: dict) -> bool:
    """Tell whether two answers are the same up to rounding."""
    named = [row["class"] for row in told["top"]] == [row["class"] for row in expected["top"]]
    shares = zip(told["top"], expected["top"], strict=True)
    close = all(abs(one["probability"] - other["probability"]) <= ROUNDING for one, other in shares)
    rest = all(told[key] == expected[key] for key in ("class", "decided", "set", "set_coverage"))
    return named and close and rest


async def read_reply(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return status and body; raises IncompleteReadError where the connection ends before."""
    head = (await reader.readuntil(END)).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)


def images_of(body: bytes) -> list[dict]:
    """Return the answers for the images of a request."""
    return json.loads(body)["images"]
