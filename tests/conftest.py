"""What many tests share: a working folder with params.yaml, and image files made on the spot."""

import gc
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # dvc and python of this run
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch: with a team of threads each, processes wait for one another


def pytest_collection_modifyitems(items):
    """Give slow tests an hour in place of pyproject.toml's limit."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(3600))


def pytest_collection_finish():
    """Keep what was imported out of the collections that accelerate asks for after each training: 0.3 s each."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let go of them again, or libraries complain at the end that something of theirs was never freed."""
    gc.unfreeze()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A folder with params.yaml and data/raw, made the current one."""
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def set_params(workspace):
    """Change keys of the workspace's params.yaml: set_params(seed=1, **{"prepare.fit": "pad"})."""

    def change(**values):
        content = YAML(typ="safe").load(workspace / "params.yaml")
        for name, value in values.items():
            section = content
            *parents, key = name.split(".")
            for parent in parents:
                section = section[parent]
            if key not in section:
                raise KeyError(f"params.yaml has no {name}")
            section[key] = value
        (workspace / "params.yaml").write_text(json.dumps(content, indent=1))  # YAML too, and written in no time

    return change


@pytest.fixture
def encode():
    """Encode an array, or noise of a size, as image bytes: encode((40, 30), "JPEG", seed=1)."""

    def make(what, file_format="PNG", seed=0, **options):
        if isinstance(what, tuple):
            height, width = what
            what = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = what if isinstance(what, Image.Image) else Image.fromarray(what)
        stream = io.BytesIO()
        image.save(stream, file_format, **options)
        return stream.getvalue()

    return make


@pytest.fixture
def photo_folder(workspace, encode):
    """data/raw/photos with 4 images of cats and 3 of dogs, all different."""
    for name, count in (("cat", 4), ("dog", 3)):
        for number in range(count):
            path = workspace / f"data/raw/photos/{name}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode((20, 24), seed=hash_of(name, number)))
    return workspace / "data/raw/photos"


def hash_of(name, number):
    """Return a seed that is the same in every process."""
    return sum(name.encode()) * 1000 + number
