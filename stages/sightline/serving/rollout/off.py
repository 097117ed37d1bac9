"""One model answers all: what the service does without a second one, and what the ways of rolling out do otherwise."""

from typing import NamedTuple

import numpy as np
from starlette.types import Scope

from sightline.serving.model import ExportedModel
from sightline.serving.rollout.arms import NONE, Arm
from sightline.serving.versions import Served


class Routed(NamedTuple):
    """What answers a request, as which arm, and the headers that say so."""

    served: Served
    arm: Arm
    headers: list[tuple[bytes, bytes]]


class Off:
    """No second model."""

    def start(self) -> None:
        """Begin; to be called in the event loop."""

    async def close(self) -> None:
        """End."""

    def look_soon(self) -> None:
        """Look for a new second model at once; may be called from a signal handler."""

    def route(self, scope: Scope, current: Served) -> Routed:
        """Choose the model that answers a request."""
        return Routed(current, NONE, current.headers)

    def observe(self, arm: Arm, status: int, seconds: float) -> None:
        """Take note of an answer."""

    def mirror(self, model: ExportedModel, pixels: np.ndarray, file: bytes | None, probabilities: np.ndarray) -> None:
        """Take note of an image [S, S, C] that `model` answered, with its probabilities [classes]."""
