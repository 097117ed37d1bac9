"""Which of two models was right, image by image, as labels come; what was counted once stays counted, in its order."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import read_table, write_table
from sightline.monitoring.lines import Seen

COLUMNS = ("key", "current", "candidate")
LARGEST = 20  # outcomes of the larger arm against one of the smaller: more hardly tell more


class Outcome(NamedTuple):
    """Whether each model was right, 1 or 0, or -1 where it did not answer; a key counts once."""

    key: str
    current: int
    candidate: int


def collect(current: list[Seen], candidate: list[Seen], labels: dict[str, dict[str, str]]) -> list[Outcome]:
    """Return the outcome of each labelled image, in the order of its time.

    Images that both models answered, one as the shadow, make a pair. Of others only those count that a rollout divided
    by chance; each image once, and where a key decided, each key once, since images of one user resemble each other.
    """
    known = _label_all([*current, *candidate], labels)
    shadows = {(image.request, image.image): image for image in candidate if image.arm == "shadow"}
    found = []
    for image in sorted([*current, *candidate], key=lambda image: (image.time, image.request)):
        label = known.get((image.request, image.image))
        if label is None:
            continue
        right = int(image.predicted == label)
        if image.arm == "current":
            found.append(Outcome(image.unit or image.image, right, -1))
        elif image.arm == "candidate":
            found.append(Outcome(image.unit or image.image, -1, right))
        elif not image.arm and (image.request, image.image) in shadows:
            shadow = shadows[image.request, image.image]
            found.append(Outcome(image.image, right, int(shadow.predicted == label)))
    return add_new([], found)


def add_new(known: list[Outcome], found: list[Outcome]) -> list[Outcome]:
    """Return what was known, then what is new; of a key the first counts."""
    first = {}
    for outcome in (*known, *found):
        first.setdefault(outcome.key, outcome)
    return list(first.values())


def choose_block(outcomes: list[Outcome]) -> tuple[int, int]:
    """Return how many outcomes of the current model are compared with how many of the candidate, one of them 1."""
    current = sum(outcome.candidate < 0 for outcome in outcomes)
    candidate = sum(outcome.current < 0 for outcome in outcomes)
    if not current or not candidate:
        return 1, 1
    times = min(LARGEST, max(1, round(max(current, candidate) / min(current, candidate))))
    return (times, 1) if current >= candidate else (1, times)


def differences(outcomes: list[Outcome], block: tuple[int, int]) -> np.ndarray:
    """Return numbers from -1 to 1 whose mean is how much more often the candidate is right, float [n].

    Each is one pair, or the mean of so many outcomes of the candidate minus that of so many of the current model, as
    `block` says and in the order in which they came; what is left over waits for more.
    """
    pairs = np.array([o.candidate - o.current for o in outcomes if min(o.candidate, o.current) >= 0], dtype=float)
    current, candidate = block
    alone = [
        np.array([o.current for o in outcomes if o.candidate < 0], dtype=float),
        np.array([o.candidate for o in outcomes if o.current < 0], dtype=float),
    ]
    blocks = min(len(alone[0]) // current, len(alone[1]) // candidate)
    means = [side[: blocks * size].reshape(blocks, size).mean(axis=1) for side, size in zip(alone, block, strict=True)]
    return np.concatenate([pairs, means[1] - means[0]])


def read_outcomes(path: Path) -> list[Outcome]:
    """Read what was counted; nothing where there is no file yet."""
    if not path.exists():
        return []
    table = read_table(path, text=("key",))
    if tuple(table.columns) != COLUMNS or not table[["current", "candidate"]].isin([-1, 0, 1]).all(axis=None):
        raise SightlineError(f"{path}: not what `make ab` writes: delete the folder")
    return [Outcome(*row) for row in table.itertuples(index=False)]


def write_outcomes(path: Path, outcomes: list[Outcome]) -> None:
    """Write what was counted."""
    write_table(path, pd.DataFrame(outcomes, columns=COLUMNS))


def _label_all(seen: list[Seen], labels: dict[str, dict[str, str]]) -> dict[tuple[str, str], str]:
    """Return the label of each (request, image); a request id labels an image only where its request had no other."""
    keys = {(image.request, image.image) for image in seen}
    images = Counter(request for request, _ in keys)
    found = {}
    for request, image in keys:
        label = labels["image"].get(image)
        if label is None and images[request] == 1:
            label = labels["request"].get(request)
        if label is not None:
            found[request, image] = label
    return found
