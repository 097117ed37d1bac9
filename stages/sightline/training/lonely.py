"""Batches that are too small for batch norm, found before anything is trained."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.saved import ModelSpec
from sightline.parameters.train import TrainParams
from sightline.training.recipe.blank import build_blank, learning_norms


def refuse_lonely(trained: Iterable[int], params: TrainParams, spec: ModelSpec, processes: int) -> None:
    """Raise SightlineError where a step of one image meets a batch norm that then has one value a channel.

    Such a value's deviation is 0, so that nothing is left of the image. Batches are full, and divide evenly into
    accumulated steps, or are all the images where these are fewer; processes share their statistics.

    Parameters
    ----------
    trained : iterable of int
        How many images each member trains on, at least 1.
    """
    fewest = min(trained)
    size = min(params.batch_size, fewest)
    if processes > 1 or size > params.accumulate:
        return
    for architecture in params.architectures:
        name = None if is_handcrafted(architecture) else find_lonely_norm(architecture, params, spec)
        if name:
            why = f"batch_size: {params.batch_size}, accumulate: {params.accumulate}"
            images = f", {fewest} training images" if fewest < params.batch_size else ""
            raise SightlineError(
                f"params.yaml: batch_size: a step of one image ({why}{images}) is too small for {architecture}, whose "
                f"batch norm {name} would have one value a channel: let a step be of two images or more, or take a "
                "model without batch norm"
            )


@torch.no_grad()
def find_lonely_norm(architecture: str, params: TrainParams, spec: ModelSpec) -> str | None:
    """Return the first batch norm that learns and gets one value a channel of one image; None for none."""
    network = build_blank(architecture, params, spec)
    lonely = []
    for name, norm in learning_norms(network).items():
        norm.register_forward_pre_hook(note_lonely(name, lonely))
    network.eval()(torch.zeros(1, network.image_channels, spec.input_size, spec.input_size))
    return lonely[0] if lonely else None


def note_lonely(name: str, lonely: list[str]) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
    """Return a hook that appends the name where there is one value a channel."""

    def note(norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].numel() == inputs[0].shape[1]:
            lonely.append(name)

    return note
