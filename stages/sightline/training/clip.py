"""Gradient clipping: by the norm of all, by value, and adaptively by each unit's weights."""

from accelerate import Accelerator
from torch import nn

from sightline.networks.head import head_matcher


def clip_gradients(accelerator: Accelerator, network: nn.Module, norm: float, value: float, adaptive: float) -> None:
    """Clip the gradients in place; 0 leaves a kind out.

    Parameters
    ----------
    network : nn.Module
        Not wrapped.
    norm : float
        Largest norm of all gradients together.
    value : float
        Largest absolute value of any gradient.
    adaptive : float
        Largest ratio of a unit's gradient norm to its weight norm (Brock et al., 2021, "High-Performance Large-Scale
        Image Recognition Without Normalization"), by timm; as there, the head is left as it is.
    """
    if not (norm or value or adaptive):
        return
    accelerator.unscale_gradients()  # once: with fp16, accelerate's own clipping does so each time, which torch refuses
    if norm:
        nn.utils.clip_grad_norm_(network.parameters(), norm)
    if value:
        nn.utils.clip_grad_value_(network.parameters(), value)
    if adaptive:
        from timm.utils.agc import adaptive_clip_grad

        is_head = head_matcher(network)
        adaptive_clip_grad([part for name, part in network.named_parameters() if not is_head(name)], adaptive)
