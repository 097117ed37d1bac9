"""The target layer of a network that names none: every module is asked.

Networks with several branches, and those that hand tuples from stage to stage, name layers that are no modules, never
run, or give more than one tensor. Somewhere inside, a module still gives one tensor that lies on a grid.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from sightline.explaining.methods.grids import FINE_ENOUGH, TargetLayer, ToGrid, lay_out
from sightline.networks.classifier import Classifier

QUARTERS = ((0, 0), (0, 1), (1, 0), (1, 1))  # of the image: row, column


def search_target_layer(classifier: Classifier) -> TargetLayer | None:
    """Choose the last module to run whose output is a grid over the image that the strongest logit depends on.

    The output must be as wide as one of the stages in `feature_info` or as what the head takes, and not that of a
    linear layer, which leaves out the insides of attention and of MLPs. It must have at least 4 x 4 positions, or the
    most there are, if that is fewer, and more than one. Its gradient must not be zero everywhere, as that of patch
    tokens is that nothing reads any more. Tokens must change most where the image does: some that happen to form a
    square are states of a recurrence. With several branches the map is that of one of them.

    Returns
    -------
    TargetLayer or None
        None for a network without `feature_info`, without gradients, or without such a module.
    """
    widths = _stage_widths(classifier.network)
    if not widths:
        return None
    images = _partly_changed(classifier.channels, classifier.input_size).to(classifier.mean.device)
    best = None
    finest = 1
    for name, output, gradient in _read_backwards(classifier, images):
        to_grid = _find_grid(classifier, output, widths)
        if to_grid is None or not to_grid(gradient).any():
            continue
        side = min(to_grid(output).shape[2], FINE_ENOUGH)
        if side > finest:
            best = TargetLayer(name, to_grid)
            finest = side
        if finest == FINE_ENOUGH:
            break
    return best


def _stage_widths(network: nn.Module) -> set[int]:
    widths = {info["num_chs"] for info in getattr(network, "feature_info", None) or []}
    return widths | {getattr(network, "num_features", 0)} if widths else set()


def _read_backwards(classifier: Classifier, images: torch.Tensor) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """Give each module's name, tensor and the strongest logits' gradient, last module to finish first."""
    outputs: dict[str, torch.Tensor] = {}

    def record(name: str, _module: nn.Module, _inputs: tuple, output: object) -> None:
        outputs.pop(name, None)  # a module that runs twice counts where it ran last, as where its output is cut
        if isinstance(output, torch.Tensor) and output.requires_grad:
            outputs[name] = output

    with ExitStack() as stack, torch.enable_grad():
        for name, module in classifier.network.named_modules():
            if not isinstance(module, nn.Linear):
                stack.enter_context(module.register_forward_hook(partial(record, name)))
        logits = classifier.network(classifier.normalize(images.requires_grad_()))
        strongest = logits.amax(dim=1).sum()
    if not strongest.requires_grad:
        return
    gradients = torch.autograd.grad(strongest, list(outputs.values()), materialize_grads=True)
    read = zip(outputs, outputs.values(), gradients, strict=True)
    for name, output, gradient in reversed(list(read)):
        yield name, output.detach(), gradient


def _partly_changed(channels: int, size: int) -> torch.Tensor:
    """Return noise [5, channels, size, size] in [0, 1]: an image, and the same with each of `QUARTERS` drawn anew."""
    stream = torch.Generator().manual_seed(0)  # a fixed one: which layer is chosen must not depend on the experiment
    images = torch.rand(1, channels, size, size, generator=stream).repeat(1 + len(QUARTERS), 1, 1, 1)
    other = torch.rand(channels, size, size, generator=stream)
    half = size // 2
    for image, (row, column) in zip(images[1:], QUARTERS, strict=True):
        quarter = slice(row * half, size if row else half), slice(column * half, size if column else half)
        image[:, *quarter] = other[:, *quarter]
    return images


def _find_grid(classifier: Classifier, output: torch.Tensor, widths: set[int]) -> ToGrid | None:
    for width in sorted(widths & set(output.shape[1:])):
        to_grid = lay_out(classifier, output, width)
        if to_grid and _covers_image(to_grid(output)) and (output.ndim == 4 or _keeps_places(to_grid(output))):
            return to_grid
    return None


def _covers_image(maps: torch.Tensor) -> bool:
    """Tell whether maps are one an image, as windows and heads are not, and a square of more than one position."""
    return len(maps) == 1 + len(QUARTERS) and maps.shape[2] == maps.shape[3] > 1


def _keeps_places(maps: torch.Tensor) -> bool:
    """Tell whether each quarter of maps [5, C, h, w] changes most where the same quarter of the image does."""
    change = (maps[1:] - maps[:1]).square().sum(dim=1, keepdim=True)
    by_quarter = functional.adaptive_avg_pool2d(change, 2).flatten(1)  # image's quarter by the layer's
    return torch.equal(by_quarter.argmax(dim=0), torch.arange(len(QUARTERS), device=maps.device))
