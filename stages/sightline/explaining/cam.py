"""Grad-CAM: which part of an image a network's answer rests on.

Selvaraju et al., 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization": the maps of
a late layer, each weighted by the mean gradient of the class's logit over it, are added up; what is negative counts
as zero.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sightline.networks.classifier import Classifier

FINE_ENOUGH = 4  # positions a side: a coarser map says too little about where, so an earlier layer is taken


@dataclass(frozen=True)
class TargetLayer:
    """A layer whose output lies on a grid over the image.

    Parameters
    ----------
    name : str
        The module's name in the network.
    to_grid : callable
        From the module's output to [N, C, h, w].
    """

    name: str
    to_grid: Callable[[torch.Tensor], torch.Tensor]


def find_target_layer(classifier: Classifier) -> TargetLayer | None:
    """Choose the deepest of the layers in the network's `feature_info` that has at least 4 x 4 positions.

    Where none is as fine as that, the deepest of the finest is taken. In a transformer that classifies by its class
    token, the last block's patch tokens reach no output, so what enters that block's attention stands for them.

    Returns
    -------
    TargetLayer or None
        None for a network whose layers do not lie on a grid, or that names none.
    """
    network = classifier.network
    modules = dict(network.named_modules())
    channels = {}
    for info in getattr(network, "feature_info", None) or []:
        name = _layer_name(network, modules, info["module"])
        if name in modules:
            channels[name] = info["num_chs"]
    best = None
    finest = 0
    for name, output in _outputs(classifier, modules, list(channels)).items():
        to_grid = _layout(output, channels[name], getattr(network, "num_prefix_tokens", 0))
        if to_grid is None:
            continue
        side = min(*to_grid(output).shape[2:], FINE_ENOUGH)
        if side >= finest:  # layers come in the order of their depth
            best, finest = TargetLayer(name, to_grid), side
    return best


def grad_cam(classifier: Classifier, layer: TargetLayer, pixels: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Return Grad-CAM maps on the layer's grid; the network's parameters may be frozen.

    Parameters
    ----------
    classifier : Classifier
        In evaluation mode.
    pixels : torch.Tensor
        uint8 [N, H, W, 3].
    classes : torch.Tensor
        int64 [N], the class that each map is to explain.

    Returns
    -------
    torch.Tensor
        float [N, h, w], >= 0.
    """
    held = []

    def cut(_module: nn.Module, _inputs: tuple, output: torch.Tensor) -> torch.Tensor:
        held.append(output.detach().requires_grad_())
        return held[-1].clone()  # later layers may work in place

    with classifier.network.get_submodule(layer.name).register_forward_hook(cut), torch.enable_grad():
        logits = classifier(pixels)
    score = logits.gather(1, classes.unsqueeze(1)).sum()
    (gradient,) = torch.autograd.grad(score, held[-1], materialize_grads=True)
    weights = layer.to_grid(gradient).mean(dim=(2, 3), keepdim=True)
    return (weights * layer.to_grid(held[-1].detach())).sum(dim=1).relu()


def explain(
    members: list[Classifier], layers: list[TargetLayer], pixels: torch.Tensor, predicted: int, side: int
) -> np.ndarray:
    """Return one image's map, averaged over the members, each scaled to a largest value of 1.

    Parameters
    ----------
    members, layers : list
        The ensemble, and the target layer of each member.
    pixels : torch.Tensor
        uint8 [1, H, W, 3].
    predicted : int
        The class to explain.
    side : int
        Of the map in pixels; it lies over the same part of the image as the network's input.

    Returns
    -------
    ndarray
        float32 [side, side] in [0, 1]; all zero when no member's map points anywhere.
    """
    classes = torch.tensor([predicted])
    maps = [
        _enlarge(scale_to_one(grad_cam(member, layer, pixels, classes)), side)
        for member, layer in zip(members, layers, strict=True)
    ]
    return scale_to_one(torch.stack(maps).mean(dim=0))[0].numpy()


def scale_to_one(maps: torch.Tensor) -> torch.Tensor:
    """Divide maps [N, h, w] >= 0 by their largest value.

    A map that is the same everywhere, or not finite, points nowhere: it becomes zero.
    """
    lowest, highest = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    telling = torch.isfinite(highest) & torch.isfinite(lowest) & (highest > lowest)
    return torch.where(telling, maps / highest, torch.zeros_like(maps))


def _enlarge(maps: torch.Tensor, side: int) -> torch.Tensor:
    size = (side, side)
    return functional.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)


def _layer_name(network: nn.Module, modules: dict[str, nn.Module], name: str) -> str:
    before_attention = f"{name}.norm1"
    by_class_token = getattr(network, "global_pool", None) == "token"
    return before_attention if by_class_token and before_attention in modules else name


def _outputs(classifier: Classifier, modules: dict[str, nn.Module], names: list[str]) -> dict[str, torch.Tensor]:
    """Return what each layer gives for a black image; what is no tensor is left out."""
    outputs = {}

    def record(name: str, _module: nn.Module, _inputs: tuple, output: object) -> None:
        if isinstance(output, torch.Tensor):
            outputs[name] = output

    size = classifier.input_size
    with ExitStack() as stack, torch.no_grad():
        for name in names:
            stack.enter_context(modules[name].register_forward_hook(partial(record, name)))
        classifier(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    return {name: outputs[name] for name in names if name in outputs}


def _layout(output: torch.Tensor, channels: int, prefix: int) -> Callable[[torch.Tensor], torch.Tensor] | None:
    if output.ndim == 4 and output.shape[1] == channels:
        return _keep
    if output.ndim == 4 and output.shape[3] == channels:
        return _from_channels_last
    if output.ndim == 3 and output.shape[2] == channels:
        for tokens_before in (prefix, 0):  # some networks add their class token only after their last block
            if _is_square(output.shape[1] - tokens_before):
                return partial(_from_tokens, tokens_before)
    return None


def _is_square(count: int) -> bool:
    return count > 0 and math.isqrt(count) ** 2 == count


def _keep(features: torch.Tensor) -> torch.Tensor:
    return features


def _from_channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 3, 1, 2)


def _from_tokens(tokens_before: int, features: torch.Tensor) -> torch.Tensor:
    patches = features[:, tokens_before:].transpose(1, 2)
    return patches.unflatten(2, (math.isqrt(patches.shape[2]),) * 2)
