"""What a member's epochs have given so far: scores, the best weights, and for how long nothing got better."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

Scores = dict[str, float]
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Fitted:
    """A trained member: the scores of its best epoch by `monitor`, and the weights after that and after the last."""

    best_epoch: int
    best_scores: Scores
    best_weights: Weights
    last_weights: Weights


@dataclass
class History:
    """The scores of all finished epochs, and the weights after the best of them.

    Parameters
    ----------
    monitor : str
        The score that decides; one whose name ends in ``loss`` is better when lower, any other when higher.
    min_delta : float
        By how much it must get better to count as progress for early stopping and for the plateau schedule, >= 0.
    has_start : bool
        The first of `epochs` is what training starts from, before any pass over the images.
    """

    monitor: str
    min_delta: float
    has_start: bool = False
    epochs: list[Scores] = field(default_factory=list)
    best_epoch: int = -1
    best_weights: Weights = field(default_factory=dict)
    progress_epoch: int = -1

    @property
    def passes(self) -> int:
        """How often all images have been trained on."""
        return max(0, len(self.epochs) - self.has_start)

    @property
    def lacks_start(self) -> bool:
        return self.has_start and not self.epochs

    @property
    def best_scores(self) -> Scores:
        return self.epochs[self.best_epoch]

    @property
    def stale(self) -> int:
        """The number of epochs since the last progress."""
        return len(self.epochs) - 1 - self.progress_epoch

    def add(self, scores: Scores, weights: Callable[[], Weights]) -> None:
        """Note an epoch; a copy of its weights is asked for and kept when it is the best one so far."""
        epoch = len(self.epochs)
        self.epochs.append(scores)
        if epoch == 0 or self._is_better(scores, self.epochs[self.best_epoch], 0.0):
            self.best_epoch = epoch
            self.best_weights = weights()
        if epoch == 0 or self._is_better(scores, self.epochs[self.progress_epoch], self.min_delta):
            self.progress_epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """Return all that the epochs have given."""
        names = "best_epoch", "best_weights", "progress_epoch"
        return {"epochs": list(self.epochs), **{name: getattr(self, name) for name in names}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for name, value in state.items():
            setattr(self, name, value)

    def _is_better(self, scores: Scores, than: Scores, delta: float) -> bool:
        if self.monitor not in scores:  # no validation images: the last epoch counts as best
            return True
        return is_better(scores[self.monitor], than[self.monitor], self.monitor, delta)


def is_better(value: float, than: float, monitor: str, delta: float) -> bool:
    """Tell whether a score got better by more than `delta`: a loss falls, everything else rises."""
    return value < than - delta if monitor.endswith("loss") else value > than + delta
