"""Takes a candidate out of service when it fails more often than the current model, or is slower, and tries it again.

Both arms are compared in blocks that end together, since load changes both; what tips the balance once does not count
twice: latency must be worse in two blocks running, and each rest is twice as long as the one before.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable

from sightline.serving.metrics import Metrics
from sightline.serving.rollout.arms import CANDIDATE, CURRENT
from sightline.serving.settings import Settings

BLOCK = 100  # answers of the candidate
MOST_KEPT = 1000  # latest answers of the current model in a block
FAILURES = 5  # fewer may be chance
BLOCKS = 2  # running, that must be slow
LEAST = 20  # answers of either arm, to tell how long they take
DEVIATIONS = 3  # by which more of the candidate's must be slow
SLACK = 0.01  # s by which the candidate may always be slower
PERCENTILE = 0.95
LONGEST_REST = 86_400.0  # s
log = logging.getLogger("uvicorn.error")


class Arrivals:
    """The answers of one arm in a block: how many, how many failed, how long the others took."""

    def __init__(self) -> None:
        self.answers = 0
        self.failures = 0
        self.seconds: deque[float] = deque(maxlen=MOST_KEPT)

    def add(self, failed: bool, seconds: float) -> None:
        """Count an answer."""
        self.answers += 1
        self.failures += failed
        if not failed:
            self.seconds.append(seconds)

    @property
    def rate(self) -> float:
        """The share that failed."""
        return self.failures / self.answers if self.answers else 0.0

    def slow(self) -> float:
        """Return the seconds within which 95 % were answered; 0 where none was."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(PERCENTILE * len(ordered)))] if ordered else 0.0


class Guard:
    """Decides whether the candidate may answer.

    Parameters
    ----------
    settings : Settings
        `rollout_errors`, `rollout_slower`, `rollout_rest_s`.
    metrics : Metrics
        Told of each step back.
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, settings: Settings, metrics: Metrics, clock: Callable[[], float] = time.monotonic):
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin anew, as with a new candidate."""
        self._rest = self._settings.rollout_rest_s
        self._until = 0.0
        self._resting = False
        self._begin()

    def allows(self) -> bool:
        """Tell whether the candidate may answer now."""
        if self._resting and self._clock() >= self._until:
            self._resting = False
            self._begin()
            log.warning("rollout: the candidate is tried again")
        return not self._resting

    def observe(self, arm: str, failed: bool, seconds: float) -> None:
        """Count an answer of `current` or `candidate`, and step back where the candidate is worse."""
        if self._resting or arm not in self._arms:
            return
        self._arms[arm].add(failed, seconds)
        if arm != CANDIDATE:
            return
        if failed and self._fails():
            self._step_back("errors")
        elif self._arms[CANDIDATE].answers >= BLOCK:
            self._slow_blocks = self._slow_blocks + 1 if self._is_slow() else 0
            if self._slow_blocks >= BLOCKS:
                self._step_back("latency")
            else:
                self._arms = {CURRENT: Arrivals(), CANDIDATE: Arrivals()}

    def _begin(self) -> None:
        self._arms = {CURRENT: Arrivals(), CANDIDATE: Arrivals()}
        self._slow_blocks = 0

    def _fails(self) -> bool:
        candidate = self._arms[CANDIDATE]
        allowed = self._arms[CURRENT].rate + self._settings.rollout_errors
        return candidate.failures >= FAILURES and candidate.rate > allowed

    def _is_slow(self) -> bool:
        """Tell whether more of the candidate's answers took long than of the current model's, by more than chance.

        One in twenty may be slow because of what else goes on, in which case the 95th percentile of either is chance.
        """
        current, candidate = self._arms[CURRENT], self._arms[CANDIDATE]
        limit = self._settings.rollout_slower * current.slow() + SLACK
        late = [sum(seconds > limit for seconds in arm.seconds) for arm in (current, candidate)]
        counts = [len(arm.seconds) for arm in (current, candidate)]
        if min(counts) < LEAST:
            return False
        shared = sum(late) / sum(counts)
        deviation = math.sqrt(shared * (1 - shared) * (1 / counts[0] + 1 / counts[1]))
        return late[1] / counts[1] - late[0] / counts[0] > DEVIATIONS * deviation

    def _step_back(self, reason: str) -> None:
        self._metrics.steps_back.labels(reason).inc()
        told = "; ".join(
            f"{name}: {arm.failures} of {arm.answers} failed, 95 % within {1000 * arm.slow():.0f} ms"
            for name, arm in self._arms.items()
        )
        rest = f"for {self._rest:.0f} s" if self._rest else "until it is replaced"
        log.warning("rollout: the candidate steps back %s because of its %s: %s", rest, reason, told)
        self._resting = True
        self._until = self._clock() + (self._rest or float("inf"))
        self._rest = min(2 * self._rest, LONGEST_REST)
        self._begin()
