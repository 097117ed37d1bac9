"""Gradient checkpointing: activations are computed again in the backward pass rather than kept for it."""

from torch import _C, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.common.errors import SightlineError


def use_checkpoints(network: nn.Module, architecture: str) -> None:
    """Let a network keep only what passes between its stages (Chen et al., 2016, "Training Deep Nets with Sublinear
    Memory Cost").

    Gradients and running statistics are those of the plain pass: torch repeats the random numbers of dropout, and batch
    norms, which meet each batch twice, remember it once.

    Raises
    ------
    SightlineError
        The network has no checkpoints.
    """
    try:
        network.set_grad_checkpointing(True)
    except (AttributeError, AssertionError):  # timm's own way to say so
        raise SightlineError(
            f"params.yaml: checkpointing: {architecture} does not offer it: set it to false, and accumulate: auto"
        ) from None
    for module in network.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.register_forward_pre_hook(_rest_in_backward)
            module.register_forward_hook(_remember_again)


def _rest_in_backward(norm: _BatchNorm, inputs: tuple) -> None:
    norm.track_running_stats = _C._current_graph_task_id() == -1  # no backward pass: how torch's checkpoints ask too


def _remember_again(norm: _BatchNorm, inputs: tuple, outputs: object) -> None:
    norm.track_running_stats = True
