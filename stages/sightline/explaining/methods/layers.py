"""The layer of a network whose output lies on a grid over the image, and what it holds for given images."""

from contextlib import ExitStack
from functools import partial

import torch
from torch import nn

from sightline.explaining.methods.grids import FINE_ENOUGH, TargetLayer, lay_out
from sightline.explaining.methods.layer_search import search_target_layer
from sightline.networks.classifier import Classifier


def find_target_layer(classifier: Classifier) -> TargetLayer | None:
    """Choose the deepest of the layers in the network's `feature_info` that has at least 4 x 4 positions.

    Where none is as fine as that, the deepest of the finest is taken. In a transformer that classifies by its class
    token, the last block's patch tokens reach no output, so what enters that block's attention stands for them. Where
    none of those layers can be read, `search_target_layer` chooses among all modules.

    Returns
    -------
    TargetLayer or None
        None for a network whose layers do not lie on a grid, or that names none.
    """
    size = classifier.input_size
    black = torch.zeros(1, classifier.channels, size, size, device=classifier.mean.device)
    channels = named_layers(classifier)
    best = None
    finest = 0
    for name, output in read_outputs(classifier, list(channels), black).items():
        to_grid = lay_out(classifier, output, channels[name])
        if to_grid is None:
            continue
        side = min(*to_grid(output).shape[2:], FINE_ENOUGH)
        if side >= finest:  # layers come in the order of their depth
            best = TargetLayer(name, to_grid)
            finest = side
    return search_target_layer(classifier) if best is None else best


def named_layers(classifier: Classifier) -> dict[str, int]:
    """Return the modules in the network's `feature_info`, in the order of their depth, and their channels.

    In a transformer that classifies by its class token, what enters a block's attention stands for the block.
    """
    network = classifier.network
    modules = dict(network.named_modules())
    channels = {}
    for info in getattr(network, "feature_info", None) or []:
        name = _layer_name(network, modules, info["module"])
        if name in modules:
            channels[name] = info["num_chs"]
    return channels


def read_layer(
    classifier: Classifier, layer: TargetLayer, images: torch.Tensor, classes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the layer's features and the gradient of each image's logit with respect to them.

    Parameters
    ----------
    images : torch.Tensor
        float [N, 3, S, S] in [0, 1].
    classes : torch.Tensor
        int64 [N], the logit to follow; the network's parameters may be frozen.

    Returns
    -------
    tuple of torch.Tensor
        Both [N, C, h, w]; a gradient of a layer that the logit does not depend on is zero.
    """
    held = []

    def cut(_module: nn.Module, _inputs: tuple, output: torch.Tensor) -> torch.Tensor:
        held.append(output.detach().requires_grad_())
        return held[-1].clone()  # later layers may work in place

    with classifier.network.get_submodule(layer.name).register_forward_hook(cut), torch.enable_grad():
        logits = classifier.network(classifier.normalize(images))
    score = logits.gather(1, classes.unsqueeze(1)).sum()
    (gradient,) = torch.autograd.grad(score, held[-1], materialize_grads=True)
    return layer.to_grid(held[-1].detach()), layer.to_grid(gradient)


@torch.no_grad()
def read_outputs(classifier: Classifier, names: list[str], images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what each named module gives for images [N, 3, S, S] in [0, 1]; what is no tensor is left out."""
    outputs = {}

    def record(name: str, _module: nn.Module, _inputs: tuple, output: object) -> None:
        if isinstance(output, torch.Tensor):
            outputs[name] = output.detach().clone()  # later layers may work in place

    with ExitStack() as stack:
        for name in names:
            stack.enter_context(classifier.network.get_submodule(name).register_forward_hook(partial(record, name)))
        classifier.network(classifier.normalize(images))
    return {name: outputs[name] for name in names if name in outputs}


def _layer_name(network: nn.Module, modules: dict[str, nn.Module], name: str) -> str:
    before_attention = f"{name}.norm1"
    by_class_token = getattr(network, "global_pool", None) == "token"
    return before_attention if by_class_token and before_attention in modules else name
