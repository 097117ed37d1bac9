"""From a name in params.yaml to a network: Sightline's own, handcrafted features, or any of timm's."""

import difflib

import torch
from torch import nn

from sightline.common.errors import SightlineError, in_one_line
from sightline.networks.architectures.handcrafted.network import HandcraftedNetwork, is_handcrafted
from sightline.networks.architectures.hub import keep_to_cache_without_hub
from sightline.networks.architectures.own.attention_networks import AttentionDenseNet, AttentionHybrid, AttentionResNet
from sightline.networks.architectures.own.cifarnet import CifarNet, WideCifarNet
from sightline.networks.architectures.own.cnn import CNN, ResidualCNN, SimpleCNN
from sightline.networks.architectures.own.size import read_size

OWN_NETWORKS = {  # name -> builder from (classes, drop_rate), size, channels
    "simple_cnn": SimpleCNN,
    "cnn": CNN,
    "cnn_residual": ResidualCNN,
    "attention_resnet": AttentionResNet,
    "attention_densenet": AttentionDenseNet,
    "attention_hybrid": AttentionHybrid,
    "cifarnet": CifarNet,
    "cifarnet_wide": WideCifarNet,
}
REFUSED = {  # option that a network of timm may not take -> what to say
    "in_chans": "model: {} takes colours alone: set prepare.channels to 3, or take another",
    "drop_rate": "drop_rate: {} has no dropout before its head; set it to 0.0",
    "drop_path_rate": "drop_path_rate: {} has no residual branches that can be dropped; set it to 0.0",
}
RESIDUAL = ["cnn_residual", "attention_resnet", "attention_hybrid"]  # those that also take a drop_path_rate


def build_network(
    architecture: str,
    classes: int,
    input_size: int,
    pretrained: bool,
    rates: tuple[float, float] = (0.0, 0.0),
    channels: int = 3,
) -> nn.Module:
    """Build a network that takes float [N, channels, input_size, input_size] and gives logits [N, classes].

    Parameters
    ----------
    architecture : str
        A key of `OWN_NETWORKS`, maybe with a size, such as ``cnn_w2_d3``: twice as wide, three times as deep; features
        and a classifier, such as ``hog_lbp_color+svm``; or a model name of timm, with or without a pretrained tag.
    pretrained : bool
        Start from timm's published weights, which timm asks the Hugging Face hub for.
    rates : (float, float)
        Probability, in [0, 1), that dropout before the head drops a feature; of no account once training is over. Then
        the probability, in [0, 1), that the last residual branch is left out for an image; branches before it are left
        out less, down to never at the first (Huang et al., 2016, "Deep Networks with Stochastic Depth").
    channels : int
        3, or 1: timm then adds up the published first layer over its three.

    Raises
    ------
    SightlineError
        The name is unknown, the network cannot take this input size or one channel, the weights cannot be had, or there
        is a drop path rate but no residual branch.
    """
    if pretrained and is_own(architecture):
        raise SightlineError(f"params.yaml: pretrained: {architecture} has no published weights; set it to false")
    drop_rate, drop_path_rate = rates
    if is_handcrafted(architecture):
        network = _build_handcrafted(architecture, classes, max(drop_rate, drop_path_rate), channels)
    elif is_own(architecture):
        network = _build_own(architecture, classes, drop_rate, drop_path_rate, channels)
    else:
        options = {"drop_rate": drop_rate} | ({"drop_path_rate": drop_path_rate} if drop_path_rate else {})
        options |= {} if channels == 3 else {"in_chans": channels}
        network = _build_timm(architecture, classes, input_size, pretrained, options)
    network.image_channels = channels
    _try_input(network, architecture, classes, input_size)
    return network


def is_own(architecture: str) -> bool:
    """Tell whether a name is Sightline's rather than timm's."""
    return read_size(architecture)[0] in OWN_NETWORKS or is_handcrafted(architecture)


def network_normalization(architecture: str) -> tuple[list[float], list[float]]:
    """Return the mean and standard deviation per channel, in [0, 1], that timm's weights were trained with.

    Raises
    ------
    SightlineError
        The network is one of Sightline's own, which have none.
    """
    if is_own(architecture):
        raise SightlineError(f"params.yaml: normalization: {architecture} brings none of its own; use `dataset`")
    import timm  # takes over a second to import, which Sightline's own networks need not wait for

    _check_timm_name(timm, architecture)
    config = timm.get_pretrained_cfg(architecture)
    return list(config.mean), list(config.std)


def _build_handcrafted(architecture: str, classes: int, rate: float, channels: int) -> nn.Module:
    network = HandcraftedNetwork(architecture, classes, channels)
    if rate:
        raise SightlineError(
            f"params.yaml: drop_rate: {architecture} has nothing to drop; set it and drop_path_rate to 0.0"
        )
    return network


def _build_own(architecture: str, classes: int, drop_rate: float, drop_path_rate: float, channels: int) -> nn.Module:
    name, size = read_size(architecture)
    options = {"channels": channels, "size": size}
    if drop_path_rate and name not in RESIDUAL:
        raise _refuse("drop_path_rate", architecture)
    if drop_path_rate:
        options["drop_path_rate"] = drop_path_rate
    return OWN_NETWORKS[name](classes, drop_rate, **options)


def _build_timm(
    architecture: str, classes: int, input_size: int, pretrained: bool, options: dict[str, float]
) -> nn.Module:
    import timm

    _check_timm_name(timm, architecture)
    config = timm.get_pretrained_cfg(architecture)
    if pretrained and config is not None and config.hf_hub_id:
        keep_to_cache_without_hub(config.hf_hub_id)
    sizes = {"img_size": input_size} if config is not None and config.fixed_input_size else {}
    try:
        network = timm.create_model(architecture, pretrained=pretrained, num_classes=classes, **options, **sizes)
    except TypeError as error:
        refused = next((name for name in options if f"'{name}'" in str(error)), "")
        if refused == "drop_rate" and not options["drop_rate"]:  # nothing to drop, and nothing that could
            rest = {name: value for name, value in options.items() if name != "drop_rate"}
            return _build_timm(architecture, classes, input_size, pretrained, rest)
        if refused not in REFUSED:
            raise
        raise _refuse(refused, architecture) from None
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        reason = str(error).strip().splitlines()[0]
        raise SightlineError(
            f"params.yaml: pretrained: the weights of {architecture} cannot be fetched from the Hugging Face hub "
            f"({reason}): connect to the network, fill its cache (HF_HOME), or set `pretrained: false`"
        ) from None
    if "drop_path_rate" in options and not any(getattr(module, "drop_prob", 0) for module in network.modules()):
        raise _refuse("drop_path_rate", architecture)  # some take the rate and have no use for it
    return network


def _refuse(option: str, architecture: str) -> SightlineError:
    return SightlineError(f"params.yaml: {REFUSED[option].format(architecture)}")


@torch.no_grad()
def _try_input(network: nn.Module, architecture: str, classes: int, input_size: int) -> None:
    try:
        logits = network.eval()(torch.zeros(1, network.image_channels, input_size, input_size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise SightlineError(
            f"params.yaml: input_size: {architecture} cannot take {input_size} px ({in_one_line(error)}): "
            f"set input_size, or prepare.image_size, to what it takes"
        ) from None
    if not isinstance(logits, torch.Tensor) or logits.shape != (1, classes):
        raise SightlineError(f"params.yaml: model: {architecture} gives an image no logits of classes: take another")
    network.train()


def _check_timm_name(timm, architecture: str) -> None:
    if timm.is_model(architecture):
        return
    known = [*OWN_NETWORKS, *timm.list_models()]
    near = difflib.get_close_matches(architecture, known, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see timm.list_models()"
    raise SightlineError(f"params.yaml: model: no network is called {architecture!r}: {hint}")
