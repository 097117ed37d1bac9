"""Optimizers by name, and which parameters decay and how fast each layer learns."""

from collections.abc import Callable

import torch
from torch import nn

from sightline.common.errors import SightlineError

Build = Callable[[list[dict], float, float], torch.optim.Optimizer]  # groups, lr, momentum

OPTIMIZERS: dict[str, Build] = {
    "adamw": lambda groups, lr, momentum: torch.optim.AdamW(groups, lr=lr),
    "adam": lambda groups, lr, momentum: torch.optim.Adam(groups, lr=lr),
    "radam": lambda groups, lr, momentum: torch.optim.RAdam(groups, lr=lr, decoupled_weight_decay=True),
    "sgd": lambda groups, lr, momentum: torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=momentum > 0),
    "rmsprop": lambda groups, lr, momentum: torch.optim.RMSprop(groups, lr=lr, momentum=momentum),
}


def build_optimizer(
    groups: list[dict], name: str, lr: float, momentum: float, lookahead: bool
) -> torch.optim.Optimizer:
    """Build torch's optimizer of that name, or timm's (lamb, lion, muon, adan, ...).

    Parameters
    ----------
    groups : list of dict
        From `parameter_groups`; a group's own `lr_scale` multiplies `lr`.
    lookahead : bool
        Wrap it in timm's Lookahead (Zhang et al., 2019).

    Raises
    ------
    SightlineError
        Neither library has an optimizer of that name.
    """
    groups = [{"lr": lr * group.get("lr_scale", 1.0), **group} for group in groups if group["params"]]
    optimizer = (
        OPTIMIZERS[name](groups, lr, momentum) if name in OPTIMIZERS else _build_timm(groups, name, lr, momentum)
    )
    if not lookahead:
        return optimizer
    from timm.optim import Lookahead

    return Lookahead(optimizer)


def _build_timm(groups: list[dict], name: str, lr: float, momentum: float) -> torch.optim.Optimizer:
    from timm.optim import create_optimizer_v2, list_optimizers  # timm takes over a second to import

    if name not in list_optimizers():
        known = ", ".join([*OPTIMIZERS, "lamb", "lion", "muon"])
        raise SightlineError(
            f"params.yaml: optimizer: {name!r} is neither one of {known} nor in timm's list_optimizers()"
        )
    return create_optimizer_v2(groups, opt=name, lr=lr, weight_decay=0.0, momentum=momentum)


def parameter_groups(network: nn.Module, weight_decay: float, layer_decay: float) -> list[dict]:
    """Divide a network's parameters by weight decay and, with `layer_decay` below 1, by depth.

    Norms, biases and whatever else has one dimension never decay. Layer-wise decay multiplies the rate of each layer
    by `layer_decay` once for every layer between it and the output (Clark et al., 2020, "ELECTRA"); timm knows the
    layers of its networks.
    """
    if layer_decay < 1:
        from timm.optim import param_groups_layer_decay

        return param_groups_layer_decay(network, weight_decay=weight_decay, layer_decay=layer_decay)
    parameters = list(network.parameters())
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
