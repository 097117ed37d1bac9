"""Where an epoch's scores go: DVCLive always, further trackers by parameter; and what the run comes to."""

from collections.abc import Callable
from typing import Any

import numpy as np
from accelerate import Accelerator

from sightline.common.live import StageLive
from sightline.training.record import Fitted, Scores
from sightline.training.settings import TrainParams


def make_log(live: StageLive | None, accelerator: Accelerator, prefix: str) -> Callable[[int, Scores], None]:
    """Return a function that streams an epoch's scores under the member's prefix; only the main process has `live`."""

    def log(epoch: int, scores: Scores) -> None:
        if live is None:
            return
        live.step = epoch
        for name, value in scores.items():
            live.log_metric(f"{prefix}{name}", value)
        live.make_summary()
        accelerator.log({f"{prefix}{name}": value for name, value in scores.items()}, step=epoch)

    return log


def start_trackers(accelerator: Accelerator, params: TrainParams) -> None:
    """Tell the trackers beside DVCLive the parameters, lists and sections as text."""
    if accelerator.log_with:
        values = params.model_dump().items()
        plain = {name: value if isinstance(value, int | float | str) else str(value) for name, value in values}
        accelerator.init_trackers("sightline", config=plain)


def summarize_best(fits: list[Fitted]) -> dict[str, Any]:
    """Return the scores of the best epoch: those of the only member, or mean and standard deviation over members."""
    if len(fits) == 1:
        return {"epoch": fits[0].best_epoch, **nest(fits[0].best_scores)}
    values = {name: [fitted.best_scores[name] for fitted in fits] for name in fits[0].best_scores}
    return {
        "mean": nest({name: float(np.mean(numbers)) for name, numbers in values.items()}),
        "std": nest({name: float(np.std(numbers, ddof=1)) for name, numbers in values.items()}),
    }


def nest(scores: Scores) -> dict[str, Any]:
    """Turn ``val/loss`` into a `val` with a `loss`, as DVCLive does."""
    nested: dict[str, Any] = {}
    for name, value in scores.items():
        subset, _, metric = name.rpartition("/")
        (nested.setdefault(subset, {}) if subset else nested)[metric] = value
    return nested
