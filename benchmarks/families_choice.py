"""The smallest member of each of timm's modules, and the side of the images that it is tried with."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import timm
import torch
from timm.models import _registry

LARGEST_SIDE = 256  # px: larger ones are tried with less where they take it


@dataclass(frozen=True)
class Network:
    """A network to try.

    Parameters
    ----------
    module : str
        Of `timm.models`, which holds a family or a few kin.
    parameters : int
        With two classes.
    side : int
        Of the images, in pixels.
    """

    module: str
    name: str
    parameters: int
    side: int


def choose_networks(cache: Path) -> list[Network]:
    """Return the smallest member of each module, the smallest of all first; counting takes minutes and is kept."""
    if not cache.exists():
        chosen = [choose_member(module, names) for module, names in sorted(list_members().items())]
        cache.write_text(json.dumps([asdict(network) for network in chosen if network], indent=1) + "\n")
    networks = [Network(**entry) for entry in json.loads(cache.read_text())]
    return sorted(networks, key=cost)


def list_members() -> dict[str, list[str]]:
    """Return the names in each module, without those that timm made for its own tests."""
    members = defaultdict(list)
    for name in timm.list_models(exclude_filters="test_*"):
        members[_registry._model_to_module[name]].append(name)
    return members


def choose_member(module: str, names: list[str]) -> Network:
    """Return the member with the fewest parameters times pixels."""
    return min((Network(module, name, count_parameters(name), side_of(name)) for name in names), key=cost)


def cost(network: Network) -> int:
    return network.parameters * network.side**2


def count_parameters(name: str) -> int:
    """Count without memory for the weights."""
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=2)
    return sum(parameter.numel() for parameter in network.parameters())


def side_of(name: str) -> int:
    """Return the side of timm's configuration; a smaller one for what is larger and takes others."""
    config = timm.get_pretrained_cfg(name)
    if config is None:
        return 224
    side = config.input_size[-1]
    if config.fixed_input_size or side <= LARGEST_SIDE:
        return side
    return config.min_input_size[-1] if config.min_input_size else LARGEST_SIDE
