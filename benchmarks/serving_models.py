"""The models that benchmarks/serving.py serves, made by the stages themselves, and images as files for them."""

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sightline.images.sources.open import open_source
from workspace import REPOSITORY, write_params

IMAGES = 64  # files of a case, asked for in turns
LARGEST = 1 << 26  # bytes of one
STAGES = ("prepare", "split", "train", "evaluate", "export")
PRETRAINED = "models/pretrained"
EXPORTED = "models/exported/model.onnx"
SIDE = 224  # px


@dataclass(frozen=True)
class Served:
    """A working folder in which the stages ran, and files of images as users send them."""

    workspace: Path
    images: Path

    @property
    def model(self) -> Path:
        """The exported model."""
        return self.workspace / EXPORTED


def make_digits(folder: Path, archive: Path | None) -> Served:
    """Return the default model."""
    container = open_source("digits")[1]
    return _make(folder, {}, [container.read(f"{row:04}.png", LARGEST) for row in range(IMAGES)])


def make_photos(folder: Path, archive: Path | None) -> Served:
    """Return recipes/photos at 224 px, trained on an archive of photos; it needs the recipe's weights."""
    if archive is None or not archive.is_file():
        sys.exit("--photos: name an archive of photos, <class>/image, for the case photos")
    weights = REPOSITORY / PRETRAINED / "tf_efficientnet_lite0.safetensors"
    if not (weights.is_file() or (folder / EXPORTED).is_file()):
        sys.exit(f"{PRETRAINED}: no tf_efficientnet_lite0: make weights NAME=tf_efficientnet_lite0")
    with zipfile.ZipFile(archive) as container:
        names = sorted(name for name in container.namelist() if name.endswith(".jpg"))
        images = [container.read(name) for name in names[:: len(names) // IMAGES][:IMAGES]]
    changes = read_recipe("photos") | {"prepare.image_size": SIDE, "prepare.source": f"data/raw/{archive.name}"}
    return _make(folder, changes, images, archive)


def read_recipe(name: str) -> dict[str, Any]:
    """Return what a recipe changes in params.yaml."""
    lines = (REPOSITORY / "recipes" / name).read_text().splitlines()
    pairs = [line.removeprefix("-S ").split("=", 1) for line in lines if line.startswith("-S ")]
    return {key: YAML(typ="safe").load(value) for key, value in pairs}


MODELS = {"digits": make_digits, "photos": make_photos}


def _make(folder: Path, changes: dict[str, Any], images: list[bytes], archive: Path | None = None) -> Served:
    """Run the stages in a folder, unless they have run there."""
    served = Served(folder, folder / "images")
    if served.model.is_file():
        return served
    shutil.rmtree(folder, ignore_errors=True)
    served.images.mkdir(parents=True)
    for row, content in enumerate(images):
        (served.images / f"{row:02}").write_bytes(content)
    (folder / "data/raw").mkdir(parents=True)
    if archive:
        (folder / "data/raw" / archive.name).symlink_to(archive.resolve())
    (folder / "models").mkdir()
    (folder / PRETRAINED).symlink_to(REPOSITORY / PRETRAINED)
    write_params(folder, changes)
    for stage in STAGES:
        subprocess.run([sys.executable, REPOSITORY / f"stages/{stage}.py"], cwd=folder, check=True)
    return served
