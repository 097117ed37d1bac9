"""The images as files for the peers, and working folders of the stages with the same images prepared."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).resolve().parent.parent
TRAIN = str(REPOSITORY / "stages/train.py")
QUIET = {
    "split.val": 0.0,
    "split.test": 0.0,
    "split.keep_duplicates_together": "none",
    "split.on_leak": "report",
    "prepare.resample": "bilinear",
}


def unpack(archive: Path, folder: Path, copies: int) -> Path:
    """Write an archive's train/<class>/<image> below `folder`, each so many times."""
    with zipfile.ZipFile(archive) as container:
        for name in container.namelist():
            if not name.startswith("train/") or name.endswith("/"):
                continue
            first = folder / name
            first.parent.mkdir(parents=True, exist_ok=True)
            first.write_bytes(container.read(name))
            for copy in range(1, copies):
                os.link(first, first.with_name(f"{copy}_{first.name}"))
    return folder


def prepare(images: Path, size: int, folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """Run the stages prepare and split on a folder of images; return the working folder.

    All images train, but for what `changes` to params.yaml say.
    """
    raw = folder / "data/raw"
    raw.mkdir(parents=True)
    shutil.copytree(images, raw / "images", copy_function=os.link)
    source = {"prepare.source": "data/raw/images", "prepare.image_size": size}
    write_params(folder, QUIET | source | (changes or {}))
    for stage in ("prepare", "split"):
        subprocess.run([sys.executable, REPOSITORY / f"stages/{stage}.py"], cwd=folder, check=True)
    return folder


def branch(prepared: Path, folder: Path, changes: dict[str, Any]) -> Path:
    """Make another working folder on the same prepared images, with other parameters."""
    folder.mkdir()
    (folder / "data").symlink_to(prepared / "data")
    write_params(folder, changes)
    return folder


def write_params(folder: Path, changes: dict[str, Any]) -> None:
    """Write the repository's params.yaml with changes, `section.key` -> value."""
    yaml = YAML()
    content = yaml.load(REPOSITORY / "params.yaml")
    for name, value in changes.items():
        section, _, key = name.rpartition(".")
        keys = content[section] if section else content
        if key not in keys:
            raise KeyError(f"params.yaml has no {name}")
        keys[key] = value
    yaml.dump(content, folder / "params.yaml")
