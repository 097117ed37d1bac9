"""Freeze the first layers of a network, so that training leaves what they have learnt elsewhere as it is."""

from collections.abc import Callable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.common.errors import SightlineError
from sightline.networks.architectures.head import list_heads

WORDS = ["none", "backbone"]


def freeze(network: nn.Module, what: str | int) -> list[nn.Parameter]:
    """Stop the training of a part of a network.

    Call it after the optimizer has got the parameters, so that it knows those that `unfreeze` brings back.

    Parameters
    ----------
    network : nn.Module
        One of timm's, or of Sightline's own but the handcrafted ones; not wrapped.
    what : str or int
        ``none``; ``backbone``: all but the layer that gives the logits; or n >= 1: the first n of `list_stages`.

    Returns
    -------
    list of nn.Parameter
        Those that were trained before, for `unfreeze`.

    Raises
    ------
    SightlineError
        An unknown word, an n that is out of range, or a network that cannot be frozen.
    """
    names = _choose(network, str(what))
    chosen = [parameter for name, parameter in network.named_parameters() if name in names]
    frozen = [parameter for parameter in chosen if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    return frozen


def unfreeze(frozen: list[nn.Parameter]) -> None:
    """Train again what `freeze` returned; what a network never trains, such as cifarnet's scales, stays frozen."""
    for parameter in frozen:
        parameter.requires_grad_(True)


def freeze_batch_norms(network: nn.Module) -> None:
    """Let all batch norms before the head keep their statistics, scales and shifts, whatever else is trained.

    They are then fixed affine maps, as timm's and Detectron2's frozen batch norms. Call it before `freeze`, so that
    `unfreeze` does not bring them back; `keep_frozen_still` rests the statistics.
    """
    is_head = head_matcher(network)
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm) and not is_head(f"{name}."):
            module.requires_grad_(False)


def wake_order(network: nn.Module, frozen: list[nn.Parameter], gradually: bool) -> list[list[nn.Parameter]]:
    """Divide what `freeze` returned into the parts that `unfreeze` is to bring back one after the other.

    All at once, or, gradually, one stage after the other, the last one first (Howard & Ruder, 2018, "Universal
    Language Model Fine-tuning"); what is frozen behind the stages comes with the last one.
    """
    if not gradually or not frozen:
        return [frozen]
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    stage_of = {name: number for number, stage in enumerate(list_stages(network)) for name in stage}
    last = max(stage_of.values())
    parts: dict[int, list[nn.Parameter]] = {}
    for parameter in frozen:
        parts.setdefault(stage_of.get(names[id(parameter)], last), []).append(parameter)
    return [parts[number] for number in sorted(parts, reverse=True)]


def keep_frozen_still(network: nn.Module) -> None:
    """Put into evaluation mode each part that has parameters of which none is trained; call it after ``.train()``.

    Norms in it then keep their running statistics, and dropout in it drops nothing. Parts without parameters outside
    of such a part, such as the dropout before the head, stay as they are.
    """
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def list_stages(network: nn.Module) -> list[list[str]]:
    """Return the names of the parameters of each stage, from the stem, which is the first, to the last before the head.

    Stages are the groups of timm's ``group_matcher(coarse=True)``: conv1 and layer1 to layer4 of a ResNet, patch
    embedding and each block of a ViT, the entries of `blocks` of Sightline's own. What timm groups with the head, such
    as the norm before it, is no stage.
    """
    from timm.models import group_parameters  # over a second to import, which training without `freeze` can do without

    try:
        groups = group_parameters(network, network.group_matcher(coarse=True))
    except (AssertionError, AttributeError):  # a few of timm's networks have no groups, or no coarse ones
        raise SightlineError(
            "params.yaml: freeze: this network does not number its stages: use `backbone` or `none`"
        ) from None
    is_head = head_matcher(network)
    return [groups[number] for number in sorted(groups) if not any(map(is_head, groups[number]))]


def _choose(network: nn.Module, what: str) -> set[str]:
    if what == "none":
        return set()
    if not hasattr(network, "get_classifier"):
        raise SightlineError(f"params.yaml: freeze: {what} is for networks that learn by gradients: use `none`")
    if what == "backbone":
        is_head = head_matcher(network)
        return {name for name, _ in network.named_parameters() if not is_head(name)}
    if not what.isdecimal():
        raise SightlineError(f"params.yaml: freeze: must be one of {', '.join(WORDS)} or a number, not {what!r}")
    stages = list_stages(network)
    if not 1 <= int(what) <= len(stages):
        raise SightlineError(
            f"params.yaml: freeze: {what} is not in 1..{len(stages)}, the stages of this network before its head"
        )
    return {name for names in stages[: int(what)] for name in names}


def head_matcher(network: nn.Module) -> Callable[[str], bool]:
    """Return a function that tells whether a parameter or buffer of that name belongs to the head.

    The head is what `get_classifier` of timm's networks and of Sightline's own returns.
    """
    layers = [layer for head in list_heads(network) for layer in head]
    prefixes = tuple(f"{name}." for name, module in network.named_modules() if any(module is layer for layer in layers))
    return lambda name: name.startswith(prefixes)
