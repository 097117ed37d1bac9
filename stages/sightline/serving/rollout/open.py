"""The way of rolling out that the settings name."""

from sightline.common.errors import SightlineError
from sightline.serving.metrics import Metrics
from sightline.serving.rollout.off import Off
from sightline.serving.rollout.router import Router
from sightline.serving.rollout.shadow import Shadow
from sightline.serving.settings import Settings

WAYS = {"off": Off, "shadow": Shadow, "canary": Router, "ab": Router}


def open_rollout(settings: Settings, metrics: Metrics, revision: str, classes: list[str]) -> Off:
    """Return what chooses between the model whose classes these are and the candidate.

    Raises
    ------
    SightlineError
        Of a way and a candidate only one is set, or the candidate cannot be used.
    """
    if settings.candidate and settings.rollout == "off":
        raise SightlineError("SIGHTLINE_CANDIDATE: needs SIGHTLINE_ROLLOUT as well: shadow, canary or ab")
    if settings.rollout == "off":
        return Off()
    if not settings.candidate:
        raise SightlineError(f"SIGHTLINE_ROLLOUT: {settings.rollout} needs a second model: set SIGHTLINE_CANDIDATE")
    return WAYS[settings.rollout](settings, metrics, revision, classes)
