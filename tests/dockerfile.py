"""A Dockerfile read and carried out without Docker: its commands in a virtual environment, its paths below a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from imports import ROOT

PATHS = ("/app", "/models", "/usr/local/bin")  # of the image; below the folder here


def read_dockerfile() -> list[tuple[str, str]]:
    """Return instructions with what follows them, without comments."""
    lines = re.sub(r"\\\n", "", (ROOT / "Dockerfile").read_text()).splitlines()
    told = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return [(name, value) for name, value in told]


def find(name: str) -> str:
    """Return what follows the last instruction of a name."""
    return [value for instruction, value in read_dockerfile() if instruction == name][-1]


def image_environment() -> dict[str, str]:
    """Return what ENV sets, with the defaults of ARG."""
    defaults = dict(value.replace('"', "").split("=") for name, value in read_dockerfile() if name == "ARG")
    pairs = [pair.split("=") for name, value in read_dockerfile() if name == "ENV" for pair in value.split()]
    return {name: defaults.get(value.removeprefix("$"), value) for name, value in pairs}


class Built:
    """An image's content in a folder, and its commands."""

    def __init__(self, folder: Path, model: Path):
        """Carry out all instructions; the model takes the place of models/exported/model.onnx."""
        self._folder = folder
        self._model = model
        subprocess.run([sys.executable, "-m", "venv", folder / "usr/local"], check=True)  # its bin is the image's
        self.environment = {"PATH": f"{folder}/usr/local/bin:/usr/bin:/bin"}
        for variable in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "SSL_CERT_FILE"):
            self.environment |= {variable: os.environ[variable]} if variable in os.environ else {}
        (folder / "app").mkdir()
        for name, value in read_dockerfile():
            if name == "COPY":
                self._copy(*value.split())
            elif name == "RUN":
                subprocess.run(self._here(value), shell=True, check=True, env=self.environment, cwd=folder / "app")
        self.environment |= {name: self._here(value) for name, value in image_environment().items()}

    def command(self, name: str) -> list[str]:
        """Return CMD, or that of HEALTHCHECK."""
        return [self._here(part) for part in json.loads(find(name).partition("CMD ")[2] or find(name))]

    def _here(self, text: str) -> str:
        for path in PATHS:
            text = re.sub(rf"(?<![\w/.]){path}\b", f"{self._folder}{path}", text)
        return text

    def _copy(self, source: str, target: str) -> None:
        place = Path(self._here(target)) if target.startswith("/") else self._folder / "app" / target
        if source == "models/exported/model.onnx":
            place.mkdir(parents=True)
            shutil.copy(self._model, place / "model.onnx")
        elif (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)
