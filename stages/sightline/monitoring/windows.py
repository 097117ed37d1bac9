"""Windows of the answered images, and what the drift tests say of each."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sightline.common.errors import SightlineError
from sightline.common.seeding import stream_seed
from sightline.drifting.compare import LEAST, compare_batch
from sightline.drifting.numbers import Batch
from sightline.monitoring.lines import Seen
from sightline.scoring.reference import Reference

DECIMALS = 7


class Window(NamedTuple):
    """What became of one window: its place, its numbers, and the tests that called it drifted."""

    first: str  # request ids
    last: str
    begin: str  # times
    end: str
    images: int
    drift: list[str]
    tests: dict[str, dict[str, float]]  # shift or distance, and p, corrected
    confidence: float
    shares: dict[str, float]


def cut(seen: list[Seen], size: int, done: tuple[str, str] | None) -> Iterator[list[Seen]]:
    """Yield whole windows of `size` images behind the last one that was judged, (time, request) `done`."""
    start = 0
    if done:
        places = [row for row, image in enumerate(seen) if (image.time, image.request) == done]
        later = [row for row, image in enumerate(seen) if image.time > done[0]]
        start = places[-1] + 1 if places else (later[0] if later else len(seen))
    for first in range(start, len(seen) - size + 1, size):
        yield seen[first : first + size]


def judge(window: list[Seen], reference: Reference, alpha: float, seed: int) -> Window:
    """Test a window, without embeddings: the log has none.

    Raises
    ------
    SightlineError
        There are too few images, of those with pixels too, or classes that the reference does not have.
    """
    reference = reference.model_copy(update={"embedding": None})
    classes = list(reference.classes)
    unknown = sorted({image.predicted for image in window} - set(classes))
    if unknown:
        raise SightlineError(f"{unknown[0]!r}: a class that data/predictions/reference.json does not have: dvc pull")
    looked = [image.pixels for image in window if image.pixels is not None]
    if len(looked) < LEAST:
        reference = reference.model_copy(update={"pixels": {}})
    batch = Batch(
        pixels={name: np.array([look[name] for look in looked]) for name in reference.pixels},
        confidence=np.array([image.confidence for image in window]),
        counts=np.array([sum(image.predicted == name for image in window) for name in classes]),
        places=None,
        unreadable=0,
    )
    table = compare_batch(reference, batch, classes, alpha, stream_seed(seed, "drift"))
    return Window(
        window[0].request,
        window[-1].request,
        window[0].time,
        window[-1].time,
        len(window),
        table["what"][table["drift"]].tolist(),
        {row.what: _told(row) for row in table.itertuples()},
        round(float(batch.confidence.mean()), 6),
        {name: round(count / len(window), 6) for name, count in zip(classes, batch.counts.tolist(), strict=True)},
    )


def _told(row: NamedTuple) -> dict[str, float]:
    numbers = {"distance": row.distance, "shift": row.shift, "p": row.p_corrected}
    return {name: round(float(value), DECIMALS) for name, value in numbers.items() if not np.isnan(value)}
