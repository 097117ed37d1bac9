"""Weights that timm publishes, from the Hugging Face hub or its cache; and which names there are."""

from difflib import get_close_matches
from pathlib import Path

import timm
from huggingface_hub import try_to_load_from_cache
from timm.models import PretrainedCfg
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.hub import WEIGHTS, keep_to_cache_without_hub

CACHED = (WEIGHTS, "pytorch_model.bin")
NEAR = 3  # names to suggest


def find_config(name: str) -> PretrainedCfg:
    """Return timm's configuration of a network's weights; without a tag, of those that timm takes by default.

    Raises
    ------
    SightlineError
        timm has no such network, no such tag of it, or no weights.
    """
    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=NEAR)
        hint = f"did you mean {', '.join(near)}?" if near else "see timm.list_models()"
        raise SightlineError(f"{name}: timm has no network of this name: {hint}")
    architecture, _, tag = name.partition(".")
    tagged = timm.list_models(f"{architecture}.*", pretrained=True)
    if tag and name not in tagged:
        raise SightlineError(f"{name}: timm has no such weights: did you mean {', '.join(tagged[:NEAR])}?")
    if not tagged:
        raise SightlineError(f"{name}: timm has no weights of this network: see timm.list_pretrained()")
    return timm.get_pretrained_cfg(name)


def fetch_published(name: str, config: PretrainedCfg) -> nn.Module:
    """Return timm's network with its weights.

    Raises
    ------
    SightlineError
        They can neither be fetched nor found in the hub's cache.
    """
    if config.hf_hub_id:
        keep_to_cache_without_hub(config.hf_hub_id)
    try:
        return timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0].partition(". ")[0]
        raise SightlineError(
            f"{name}: not to be had from the Hugging Face hub, nor in its cache ({reason}): connect to the network, "
            f"fill the cache (HF_HOME), or take tf_efficientnet_lite0, which is in a package"
        ) from None


def describe_source(config: PretrainedCfg) -> tuple[str, str]:
    """Return where published weights come from, and which version that is: the hub's commit, or timm's release."""
    if not config.hf_hub_id:
        return f"timm, {config.url.rpartition('/')[2]}", timm.__version__
    files = [try_to_load_from_cache(config.hf_hub_id, file) for file in CACHED]
    commits = [Path(file).parent.name for file in files if isinstance(file, str)]
    return f"Hugging Face hub, {config.hf_hub_id}", (commits or ["main"])[0]
