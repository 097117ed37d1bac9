"""Lets each request be answered by one of two models: a share of them (canary), or of keys, each always alike (ab)."""

import asyncio
import logging
import random

from starlette.types import Scope

from sightline.common.errors import SightlineError
from sightline.serving.http.headers import header_of, key_of
from sightline.serving.metrics import Metrics
from sightline.serving.rollout.arms import CANDIDATE, CURRENT, RESTING, UNKEYED, Arm, is_within, unit_of
from sightline.serving.rollout.guard import Guard
from sightline.serving.rollout.off import Off, Routed
from sightline.serving.settings import API_KEY, Settings
from sightline.serving.versions import Served, Versions

INFER = "/infer"
BUSY = 503  # the service's, whichever model would have answered
log = logging.getLogger("uvicorn.error")


class Router(Off):
    """Holds the candidate, and chooses.

    Parameters
    ----------
    settings : Settings
        `candidate`, and those that begin with `rollout`.
    metrics : Metrics
        Told of both arms.
    revision : str
        Told to the metrics beside the candidate.
    classes : list of str
        Of the current model.

    Raises
    ------
    SightlineError
        The candidate cannot be used, or has other classes.
    """

    def __init__(self, settings: Settings, metrics: Metrics, revision: str, classes: list[str]):
        self._settings = settings
        self._metrics = metrics
        settings_of_it = settings.model_copy(update={"model": settings.candidate})
        self.versions = Versions(settings_of_it, metrics, revision, metrics.candidate)
        if self.versions.first.classes != classes:
            raise SightlineError(
                f"SIGHTLINE_CANDIDATE: {settings.candidate} has other classes, or in another order, than "
                f"{settings.model}: set SIGHTLINE_ROLLOUT=shadow, or replace the model"
            )
        self._guard = Guard(settings, metrics)
        self._key = settings.rollout_key.lower()
        self._pair: tuple[Served, Served] | None = None  # those that were compared last
        metrics.rollout_share.set_function(lambda: settings.rollout_share * self._guard.allows())

    def start(self) -> None:
        """Let the candidate answer, and look for newer ones."""
        self.versions.start()
        self._watch = asyncio.create_task(self.versions.watch())

    async def close(self) -> None:
        """Stop looking, and the candidate as soon as its last request is done."""
        self._watch.cancel()
        self.versions.current.retire()

    def look_soon(self) -> None:
        """Look for a new candidate at once."""
        self.versions.look_soon()

    def route(self, scope: Scope, current: Served) -> Routed:
        """Choose for one request: only images to classify are divided, and none that name a version."""
        candidate = self.versions.current
        if self._pair != (current, candidate):
            self._compare(current, candidate)
        if not self._concerns(scope):
            return super().route(scope, current)
        arm = self._choose(scope, candidate) if self._guard.allows() else Arm(RESTING)
        served = candidate if arm.name == CANDIDATE else current
        return Routed(served, arm, [*served.headers, (b"sightline-arm", arm.name.encode())])

    def observe(self, arm: Arm, status: int, seconds: float) -> None:
        """Count an answer."""
        if not arm.name:
            return
        self._metrics.arm_answers.labels(arm.name, status).inc()
        self._metrics.arm_seconds.labels(arm.name).observe(seconds)
        if status != BUSY:
            self._guard.observe(arm.name, status >= 500, seconds)

    def _choose(self, scope: Scope, candidate: Served) -> Arm:
        share = self._settings.rollout_share
        if self._settings.rollout == "canary":
            return Arm(CANDIDATE if random.random() < share else CURRENT)
        key = key_of(scope) if self._key == API_KEY else header_of(scope, self._key.encode())
        if not key:
            return Arm(UNKEYED)
        unit = unit_of(key, candidate.model.sha256)
        return Arm(CANDIDATE if is_within(unit, share) else CURRENT, unit)

    def _concerns(self, scope: Scope) -> bool:
        if scope["method"] != "POST" or not self._alike:
            return False
        path = scope["path"]
        return path == "/classify" or (self._same_pixels and path.endswith(INFER) and "/versions/" not in path)

    def _compare(self, current: Served, candidate: Served) -> None:
        """Note whether the two may answer the same requests, which either's replacement may change."""
        if self._pair and self._pair[1] is not candidate:
            self._guard.forget()
        self._pair = (current, candidate)
        self._alike = current.model.classes == candidate.model.classes
        if not self._alike:
            log.warning("rollout: the two models have other classes now: the current one answers all")
        self._same_pixels = current.model.preprocessing.shape == candidate.model.preprocessing.shape
