"""accelerate, as the parameters ask for it: device, precision, accumulation, processes."""

import os
from functools import partial

import torch
from accelerate import Accelerator
from accelerate.state import PartialState
from accelerate.utils import DistributedDataParallelKwargs
from torch import nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.common.errors import SightlineError
from sightline.parameters.train import TrainParams
from sightline.training.recipe.precision import fastest_precision, warn_of_emulation

MIXED_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def make_accelerator(params: TrainParams) -> Accelerator:
    """Let accelerate choose the device and keep precision, accumulation, processes and clipping.

    Raises
    ------
    SightlineError
        The device cannot do the precision.
    """
    state = PartialState(cpu=several_without_cuda())  # told so, or each of them would train alone
    precision = params.precision
    if precision == "auto":
        precision = fastest_precision(state.device)
        state.print(f"train: precision: auto chose {precision}")
    elif state.is_main_process and (warning := warn_of_emulation(precision, state.device)):
        print(f"train: {warning}")
    some_rest = params.freeze != "none" or params.freeze_batch_norm
    unused = [DistributedDataParallelKwargs(find_unused_parameters=True)] if some_rest else []
    try:
        return Accelerator(
            cpu=several_without_cuda(),
            mixed_precision=MIXED_PRECISION[precision],
            kwargs_handlers=unused,
        )
    except ValueError as error:
        raise SightlineError(f"params.yaml: precision: {params.precision} does not work here: {error}") from None


def several_without_cuda() -> bool:
    """Tell whether a launcher such as torchrun started more than one process on processors."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and not torch.cuda.is_available()


def share_batch_statistics(network: nn.Module) -> nn.Module:
    """Let every batch norm take its training statistics from the shares of all processes; weights' names stay.

    On CUDA torch's SyncBatchNorm does it, put in by timm, which keeps the activation that its own norms carry. That
    one refuses processors, where the forward method of each norm is replaced instead.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if norms and next(network.parameters()).is_cuda:
        from timm.layers import convert_sync_batchnorm

        return convert_sync_batchnorm(network)
    for norm in norms:
        norm.forward = partial(_forward, norm, norm.forward)
    return network


def _forward(norm: _BatchNorm, alone, inputs: torch.Tensor) -> torch.Tensor:
    if not norm.training:
        return alone(inputs)
    inputs = inputs.float()
    axes = [0, *range(2, inputs.ndim)]
    count = all_reduce(torch.tensor(float(inputs.numel() // inputs.shape[1])))
    mean = all_reduce(inputs.sum(dim=axes)) / count
    centered = inputs - _channels(mean, inputs)
    variance = all_reduce(centered.square().sum(dim=axes)) / count
    _remember(norm, mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
    outputs = centered * _channels((variance + norm.eps).rsqrt(), inputs)
    if norm.affine:
        outputs = outputs * _channels(norm.weight, inputs) + _channels(norm.bias, inputs)
    for name in ("drop", "act"):  # what timm's norms do besides
        outputs = getattr(norm, name, nn.Identity())(outputs)
    return outputs


@torch.no_grad()
def _remember(norm: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor) -> None:
    """Update the running statistics as torch does, with the unbiased variance."""
    if norm.running_mean is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = norm.momentum if norm.momentum is not None else 1 / norm.num_batches_tracked.item()
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(variance, momentum)


def _channels(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return values.view(1, -1, *[1] * (like.ndim - 2))
