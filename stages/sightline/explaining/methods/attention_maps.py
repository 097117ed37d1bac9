"""Where a transformer's tokens look: attention weights as maps. They tell nothing about single classes."""

import math
from contextlib import ExitStack

import torch
from torch import nn

from sightline.explaining.methods.subject import Settings, Subject


def last_attention(subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return how much the answer's tokens attend to each patch in the last block, averaged over its heads.

    Parameters
    ----------
    images : torch.Tensor
        float [N, 3, S, S] in [0, 1].
    classes : torch.Tensor
        Not used: attention is the same for every class.

    Returns
    -------
    torch.Tensor
        float [N, h, w] in [0, 1], less what the least attended patch gets.
    """
    return _to_map(subject, read_attention(subject, images)[-1].mean(dim=1))


def attention_rollout(
    subject: Subject, images: torch.Tensor, classes: torch.Tensor, settings: Settings
) -> torch.Tensor:
    """Return how much of each patch reaches the answer's tokens, if attention mixed the patches through all blocks.

    Abnar and Zuidema, 2020, "Quantifying Attention Flow in Transformers". Takes and gives what `last_attention` does.
    """
    return _to_map(subject, roll_out([weights.mean(dim=1) for weights in read_attention(subject, images)]))


def roll_out(attention: list[torch.Tensor]) -> torch.Tensor:
    """Multiply (A + I) / 2 of all blocks, [N, T, T] each, first to last; rows that sum to 1 keep doing so."""
    tokens = attention[0].shape[1]
    itself = torch.eye(tokens, device=attention[0].device)
    flow = itself.expand(attention[0].shape[0], -1, -1)
    for weights in attention:
        flow = (weights + itself) / 2 @ flow
    return flow


@torch.no_grad()
def read_attention(subject: Subject, images: torch.Tensor) -> list[torch.Tensor]:
    """Return each block's attention weights, [N, heads, T, T], in order.

    timm's attention is fused, and its weights never exist, unless told otherwise; the modules are told while this
    runs, and hand their weights to a dropout that does nothing in evaluation.
    """
    attention = []
    layers = _attention_layers(subject.classifier.network)
    fused = [layer.fused_attn for layer in layers]
    with ExitStack() as stack:
        for layer in layers:
            layer.fused_attn = False
            stack.enter_context(
                layer.attn_drop.register_forward_hook(lambda _module, _inputs, weights: attention.append(weights))
            )
        try:
            subject.logits(images)
        finally:
            for layer, before in zip(layers, fused, strict=True):
                layer.fused_attn = before
    return attention


def why_no_attention(subject: Subject) -> str | None:
    """Return why a network has no attention maps over the image; None where it has."""
    if not _attention_layers(subject.classifier.network):
        return "it has no attention between patches"
    side = subject.classifier.input_size
    attention = read_attention(subject, torch.zeros(1, subject.classifier.channels, side, side, device=subject.device))
    shapes = {weights.shape for weights in attention}
    heads = attention[0].shape[1] if attention else 0
    tokens = attention[0].shape[-1] if attention else 0
    if shapes != {(1, heads, tokens, tokens)}:
        return "its attention has windows, several resolutions or only one query, not a weight for each pair of patches"
    patches = tokens - _prefix(subject)
    return None if patches > 0 and math.isqrt(patches) ** 2 == patches else "its patches do not form a square"


def _attention_layers(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if hasattr(layer, "fused_attn") and hasattr(layer, "attn_drop")]


def _prefix(subject: Subject) -> int:
    return getattr(subject.classifier.network, "num_prefix_tokens", 0)


def _to_map(subject: Subject, flow: torch.Tensor) -> torch.Tensor:
    """Read [N, T, T] at the tokens that are classified: the class tokens, or all patches where their mean is."""
    prefix = _prefix(subject)
    by_class_token = getattr(subject.classifier.network, "global_pool", None) == "token"
    rows = flow[:, : _class_tokens(subject)] if by_class_token else flow[:, prefix:]
    patches = rows[:, :, prefix:].mean(dim=1)
    patches = patches - patches.amin(dim=1, keepdim=True)  # what all patches get alike tells none apart
    return patches.unflatten(1, (math.isqrt(patches.shape[1]),) * 2)


def _class_tokens(subject: Subject) -> int:
    return 2 if getattr(subject.classifier.network, "dist_token", None) is not None else 1
