"""Gradient clipping: by the norm of all, by value, and adaptively by each unit's weights."""

from accelerate import Accelerator
from torch import nn


def clip_gradients(accelerator: Accelerator, network: nn.Module, norm: float, value: float, adaptive: float) -> None:
    """Clip the gradients in place; 0 leaves a kind out.

    Parameters
    ----------
    norm : float
        Largest norm of all gradients together.
    value : float
        Largest absolute value of any gradient.
    adaptive : float
        Largest ratio of a unit's gradient norm to its weight norm (Brock et al., 2021, "High-Performance Large-Scale
        Image Recognition Without Normalization"), by timm.
    """
    if norm:
        accelerator.clip_grad_norm_(network.parameters(), norm)
    if value:
        accelerator.clip_grad_value_(network.parameters(), value)
    if adaptive:
        from timm.utils.agc import adaptive_clip_grad

        accelerator.unscale_gradients()
        adaptive_clip_grad(network.parameters(), adaptive)
