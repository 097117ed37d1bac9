"""Optimizers and learning-rate schedules by name."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

STEP_EVERY, STEP_FACTOR = 1 / 3, 0.1  # `step` divides the rate by ten after each third of the run
ONE_CYCLE_PEAK, ONE_CYCLE_START = 0.3, 1 / 25  # Smith & Topin, 2018, "Super-Convergence"; as in torch's OneCycleLR


def _timm_optimizer(name: str) -> Callable:
    def build(groups: list[dict], lr: float, momentum: float) -> torch.optim.Optimizer:
        from timm.optim import create_optimizer_v2  # timm takes over a second to import

        return create_optimizer_v2(groups, opt=name, lr=lr, weight_decay=0.0)

    return build


OPTIMIZERS: dict[str, Callable[[list[dict], float, float], torch.optim.Optimizer]] = {
    "adamw": lambda groups, lr, momentum: torch.optim.AdamW(groups, lr=lr),
    "adam": lambda groups, lr, momentum: torch.optim.Adam(groups, lr=lr),
    "sgd": lambda groups, lr, momentum: torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=momentum > 0),
    "rmsprop": lambda groups, lr, momentum: torch.optim.RMSprop(groups, lr=lr, momentum=momentum),
    "lamb": _timm_optimizer("lamb"),
    "lion": _timm_optimizer("lion"),
}


def build_optimizer(
    network: nn.Module, name: str, lr: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """Build an optimizer whose weight decay spares norms and biases, that is, all parameters of one dimension."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[name](groups, lr, momentum)


def _one_cycle(progress: float) -> float:
    if progress < ONE_CYCLE_PEAK:
        return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * _rise(progress / ONE_CYCLE_PEAK)
    return 1 - _rise((progress - ONE_CYCLE_PEAK) / (1 - ONE_CYCLE_PEAK))


def _rise(share: float) -> float:
    return (1 - math.cos(math.pi * share)) / 2


SCHEDULES: dict[str, Callable[[float], float]] = {  # progress in [0, 1] after the warm-up -> factor of lr
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: 1 - _rise(progress),  # Loshchilov & Hutter, 2017, "SGDR", without restarts
    "one_cycle": _one_cycle,
    "step": lambda progress: STEP_FACTOR ** min(math.floor(progress / STEP_EVERY + 1e-9), 2),
}


def build_schedule(optimizer: torch.optim.Optimizer, name: str, warmup_steps: int, steps: int) -> LambdaLR:
    """Build a schedule that is stepped after every update: a linear warm-up, then the named curve to the end.

    The k-th of `warmup_steps` updates uses k / warmup_steps of the rate, so that none is lost at rate 0.
    """

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return SCHEDULES[name]((step - warmup_steps) / max(1, steps - warmup_steps))

    return LambdaLR(optimizer, factor)
