"""Optimizers by name, and which parameters decay and how fast each layer learns."""

from collections.abc import Callable
from fnmatch import fnmatch

import torch
from accelerate import Accelerator
from torch import nn

from sightline.common.errors import SightlineError
from sightline.parameters.sections import ClipSection
from sightline.training.recipe.freeze import head_matcher

Build = Callable[[list[dict], float, float], torch.optim.Optimizer]  # groups, lr, momentum

OPTIMIZERS: dict[str, Build] = {
    "adamw": lambda groups, lr, momentum: torch.optim.AdamW(groups, lr=lr),
    "adam": lambda groups, lr, momentum: torch.optim.Adam(groups, lr=lr),
    "radam": lambda groups, lr, momentum: torch.optim.RAdam(groups, lr=lr, decoupled_weight_decay=True),
    "sgd": lambda groups, lr, momentum: torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=momentum > 0),
    "rmsprop": lambda groups, lr, momentum: torch.optim.RMSprop(groups, lr=lr, momentum=momentum),
}
MUON = ("muon", "nmuon", "adamuon", "nadamuon")  # timm's, for matrices alone; each has an AdamW for the rest


def build_optimizer(
    groups: list[dict], name: str, lr: float, momentum: float, lookahead: bool, key: str = "optimizer"
) -> torch.optim.Optimizer:
    """Build torch's optimizer of that name, or timm's (lamb, lion, muon, adan, ...).

    Parameters
    ----------
    groups : list of dict
        From `parameter_groups`; a group's own `lr_scale` multiplies `lr`.
    lookahead : bool
        Wrap it in timm's Lookahead (Zhang et al., 2019).
    key : str
        Of params.yaml, which has the name.

    Raises
    ------
    SightlineError
        Neither library has an optimizer of that name.
    """
    groups = [{"lr": lr * group.get("lr_scale", 1.0), **group} for group in groups if group["params"]]
    if name in OPTIMIZERS:
        optimizer = OPTIMIZERS[name](groups, lr, momentum)
    else:
        optimizer = _build_timm(groups, name, lr, momentum, key)
    if not lookahead:
        return optimizer
    from timm.optim import Lookahead

    return Lookahead(optimizer)


def peak_rate(optimizer: torch.optim.Optimizer) -> float:
    """Return the learning rate of the layers that learn fastest: `lr` as scheduled, whatever `layer_decay` is."""
    return max(group["lr"] for group in optimizer.param_groups)


def _build_timm(groups: list[dict], name: str, lr: float, momentum: float, key: str) -> torch.optim.Optimizer:
    from timm.optim import create_optimizer_v2, list_optimizers  # timm takes over a second to import

    if name not in list_optimizers():
        known = ", ".join([*OPTIMIZERS, "lamb", "lion", "muon"])
        raise SightlineError(f"params.yaml: {key}: {name!r} is neither one of {known} nor in timm's list_optimizers()")
    return create_optimizer_v2(groups, opt=name, lr=lr, weight_decay=0.0, momentum=momentum)


def parameter_groups(network: nn.Module, name: str, weight_decay: float, layer_decay: float) -> list[dict]:
    """Divide a network's parameters by weight decay, by depth where `layer_decay` is below 1, and for Muon by place.

    Layer-wise decay multiplies the rate of each layer by `layer_decay` once for every layer between it and the output
    (Clark et al., 2020, "ELECTRA"); timm knows the layers of its networks. Muon is for hidden layers (Jordan, 2024,
    "Muon: An optimizer for hidden layers in neural networks"): timm's leaves the `outer_layers` to AdamW, as it does by
    itself with whatever is no matrix.

    Parameters
    ----------
    network : nn.Module
        One of timm's, or of Sightline's own; not wrapped.
    name : str
        The optimizer's.
    weight_decay : float
        Of all but what `divide_by_decay` spares.
    layer_decay : float
        In (0, 1]; 1 leaves it out.
    """
    if layer_decay == 1 and name not in MUON:
        decayed, spared = divide_by_decay(network)
        return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    from timm.optim import param_groups_layer_decay, param_groups_weight_decay

    options = {
        "weight_decay": weight_decay,
        "no_weight_decay_list": names_without_decay(network),
        "fallback_list": outer_layers(network) if name in MUON else (),
    }
    if layer_decay < 1:
        return param_groups_layer_decay(network, layer_decay=layer_decay, **options)
    return param_groups_weight_decay(network, **options)


def divide_by_decay(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return the weights that decay, and what is spared.

    That is whatever has one dimension, such as norms and biases, and what timm's networks name, such as position
    embeddings, class tokens and tables of attention biases.
    """
    patterns = names_without_decay(network)
    decayed, spared = [], []
    for name, parameter in network.named_parameters():
        is_spared = parameter.ndim <= 1 or any(fnmatch(name, pattern) for pattern in patterns)
        (spared if is_spared else decayed).append(parameter)
    return decayed, spared


def names_without_decay(network: nn.Module) -> set[str]:
    """Return the patterns of names by which timm's networks say what must not decay; Sightline's own have none."""
    return set(network.no_weight_decay()) if hasattr(network, "no_weight_decay") else set()


def outer_layers(network: nn.Module) -> list[str]:
    """Return the names of the convolution that sees the pixels and of the head."""
    is_head = head_matcher(network)
    kernels = {name: kernel for name, kernel in network.named_parameters() if kernel.ndim == 4}
    sees_pixels = {name for name, kernel in kernels.items() if kernel.shape[1] == getattr(network, "image_channels", 3)}
    return [name for name, _ in network.named_parameters() if is_head(name) or name in sees_pixels]


def clip_gradients(accelerator: Accelerator, network: nn.Module, limits: ClipSection) -> None:
    """Clip the gradients in place; 0 leaves a kind out.

    Parameters
    ----------
    network : nn.Module
        Not wrapped.
    limits : ClipSection
        `norm`: the largest norm of all gradients together; `value`: the largest absolute value of any gradient;
        `adaptive`: the largest ratio of a unit's gradient norm to its weight norm (Brock et al., 2021,
        "High-Performance Large-Scale Image Recognition Without Normalization"), by timm; as there, the head is left
        as it is.
    """
    if not (limits.norm or limits.value or limits.adaptive):
        return
    accelerator.unscale_gradients()  # once: with fp16, accelerate's own clipping does so each time, which torch refuses
    if limits.norm:
        nn.utils.clip_grad_norm_(network.parameters(), limits.norm)
    if limits.value:
        nn.utils.clip_grad_value_(network.parameters(), limits.value)
    if limits.adaptive:
        from timm.utils.agc import adaptive_clip_grad

        is_head = head_matcher(network)
        body = [parameter for name, parameter in network.named_parameters() if not is_head(name)]
        adaptive_clip_grad(body, limits.adaptive)
