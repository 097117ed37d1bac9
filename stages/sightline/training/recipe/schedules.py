"""Learning-rate schedules: a factor of `lr` for each update, as a function of the step alone."""

import math
from collections.abc import Callable, Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from sightline.parameters.sections import ScheduleShape

ONE_CYCLE_RISE = 0.3  # share of the run; the value of torch's OneCycleLR
ONE_CYCLE_START = 1 / 25  # factor; that of OneCycleLR too


def _cosine(progress: float, shape: ScheduleShape) -> float:
    """Loshchilov & Hutter, 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", with equal cycles."""
    return (1 + math.cos(math.pi * (progress * shape.cycles % 1.0))) / 2 if progress < 1 else 0.0


def _one_cycle(progress: float, shape: ScheduleShape) -> float:
    """Smith & Topin, 2018, "Super-Convergence": up along half a cosine, then down to zero."""
    if progress < ONE_CYCLE_RISE:
        return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * (1 - math.cos(math.pi * progress / ONE_CYCLE_RISE)) / 2
    return (1 + math.cos(math.pi * (progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE))) / 2


def _lowered(progress: float, milestones: Sequence[float], gamma: float) -> float:
    return gamma ** sum(progress >= milestone - 1e-9 for milestone in milestones)


def _cyclic(progress: float, shape: ScheduleShape) -> float:
    """Smith, 2017, "Cyclical Learning Rates": triangles from the floor to the peak and back."""
    return 1 - abs(2 * (progress * shape.cycles % 1.0) - 1)


CURVES: dict[
    str, Callable[[float, ScheduleShape], float]
] = {  # progress in [0, 1] after the warm-up -> factor in [0, 1]
    "constant": lambda progress, shape: 1.0,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
    "step": lambda progress, shape: _lowered(progress, (1 / 3, 2 / 3), shape.gamma),
    "multistep": lambda progress, shape: _lowered(progress, shape.milestones, shape.gamma),
    "exponential": lambda progress, shape: shape.gamma**progress,
    "cyclic": _cyclic,
    "polynomial": lambda progress, shape: (1 - progress) ** shape.power,
    "linear": lambda progress, shape: 1 - progress,
    "plateau": lambda progress, shape: 1.0,  # `lower` does the rest
}
ENDLESS = ("constant", "plateau")  # their curves do not depend on the length of the run
RISING = ("one_cycle", "cyclic")  # their curves begin with a rise of their own, which a warm-up would only precede


def build_schedule(optimizer: Optimizer, name: str, shape: ScheduleShape, warmup_steps: int, steps: int) -> LambdaLR:
    """Build a schedule that is stepped after every update: a linear warm-up, then the named curve to the end.

    The k-th of `warmup_steps` updates uses k / warmup_steps of the rate, so that none is lost at rate 0. Curves that
    are `RISING` begin at once.

    Parameters
    ----------
    shape : ScheduleShape
        `cycles`: restarts of cosine, triangles of cyclic. `milestones`: where multistep lowers the rate, as shares of
        the run; step lowers it at 1/3 and 2/3. `gamma`: factor of a lowering; exponential falls to it over the run.
        `power`: of polynomial. `floor`: lowest factor of all curves but constant and plateau, in [0, 1); the curve is
        squeezed into what is above it.
    """
    curve = CURVES[name]
    warmup_steps = 0 if name in RISING else warmup_steps
    floor = 0.0 if name in ENDLESS else shape.floor

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
        return floor + (1 - floor) * curve(progress, shape)

    return LambdaLR(optimizer, factor)


def lower(schedule: LambdaLR, factor: float) -> None:
    """Multiply the rate by `factor` from the next update on: the fall of the plateau schedule."""
    schedule.base_lrs = [rate * factor for rate in schedule.base_lrs]
    for group in schedule.optimizer.param_groups:
        group["lr"] *= factor
