"""A network as its training begins, with random weights: to know what must be known before a member is made."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.head import shape_head
from sightline.networks.saved import ModelSpec
from sightline.parameters.train import TrainParams
from sightline.training.recipe.checkpointing import use_checkpoints
from sightline.training.recipe.freeze import freeze, freeze_batch_norms, keep_frozen_still


def build_blank(architecture: str, params: TrainParams, spec: ModelSpec) -> nn.Module:
    """Return a network with the head, frozen parts and checkpoints of its training.

    What wakes later is awake, and what rests is in evaluation mode.
    """
    network = build_network(architecture, len(spec.classes), spec.input_size, pretrained=False, channels=spec.channels)
    shape_head(network, spec.head, architecture, len(spec.classes), spec.input_size)
    if params.freeze_batch_norm:
        freeze_batch_norms(network)
    if not params.unfreeze_epoch:
        freeze(network, params.freeze)
    if params.checkpointing:
        use_checkpoints(network, architecture)
    keep_frozen_still(network)
    return network


def learning_norms(blank: nn.Module) -> dict[str, nn.Module]:
    """Return the batch norms that take their statistics from the batch, by name."""
    norms = {name: module for name, module in blank.named_modules() if isinstance(module, _BatchNorm)}
    return {name: norm for name, norm in norms.items() if norm.training}
