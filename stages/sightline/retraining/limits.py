"""When what `make monitor` wrote asks for another training."""

from pathlib import Path
from typing import NamedTuple

from sightline.common.errors import SightlineError
from sightline.common.files import read_json


class Limits(NamedTuple):
    """Drifted windows running; labelled images that training has not seen; a fall of accuracy, 0..1."""

    windows: int
    labels: int
    fall: float


class Watched(NamedTuple):
    """What a service's log came to: what drifted in each window, and the upper end of the accuracy on labels."""

    drift: list[list[str]]
    accuracy_high: float | None


def read_watched(folder: Path) -> Watched:
    """Read the files of `make monitor`.

    Raises
    ------
    SightlineError
        They are not there, or damaged.
    """
    if not (folder / "history.json").exists():
        raise SightlineError(
            f"{folder}/history.json: not found: `make monitor` writes it, or name a folder by --monitor"
        )
    try:
        windows = [window["drift"] for window in read_json(folder / "history.json")["windows"]]
        rates = read_json(folder / "accuracy.json")
        return Watched(windows, next((rate["high"] for rate in rates if rate["name"] == "all"), None))
    except (KeyError, TypeError):
        raise SightlineError(f"{folder}: not what `make monitor` writes: delete it, and run that again") from None


def find_reasons(watched: Watched, new: int, tested: float | None, limits: Limits) -> list[str]:
    """Return why to train again; nothing while no limit is reached.

    Parameters
    ----------
    new : int
        Labelled images that training has not seen.
    tested : float or None
        Accuracy on test.
    """
    reasons = []
    last = watched.drift[-limits.windows :]
    if len(last) == limits.windows and all(last):
        what = ", ".join(sorted({name for window in last for name in window}))
        reasons.append(f"drift in the last {limits.windows} windows: {what}")
    if new >= limits.labels:
        reasons.append(f"{new} new images are labelled, {limits.labels} suffice")
    if tested is not None and watched.accuracy_high is not None and watched.accuracy_high < tested - limits.fall:
        reasons.append(f"accuracy on labels is at most {watched.accuracy_high:.1%}, on test it was {tested:.1%}")
    return reasons
