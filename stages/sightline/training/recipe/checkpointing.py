"""Gradient checkpointing: activations are computed again in the backward pass rather than kept for it."""

from torch import _C, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.common.errors import SightlineError


def use_checkpoints(network: nn.Module, architecture: str) -> None:
    """Let a network keep only what passes between its stages.

    Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost".
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
            _remember_once(module)


def _remember_once(norm: _BatchNorm) -> None:
    """Let a batch norm leave its running statistics as they are while a backward pass computes its output again."""
    momenta: list[float | None] = []

    def rest(norm: _BatchNorm, inputs: tuple) -> None:
        if norm.training and _C._current_graph_task_id() != -1:  # in a backward pass: torch's checkpoints ask so too
            momenta.append(norm.momentum)
            norm.momentum = 0.0
            norm.num_batches_tracked.sub_(1)  # to which the norm adds 1

    def wake(norm: _BatchNorm, inputs: tuple, outputs: object) -> None:
        if momenta:
            norm.momentum = momenta.pop()

    norm.register_forward_pre_hook(rest)
    norm.register_forward_hook(wake, always_call=True)  # a repeated pass ends by an exception, once it has all
