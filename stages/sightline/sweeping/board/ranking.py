"""Models of a data set in their order: by validation, over all seeds; test is carried along and decides nothing."""

from dataclasses import dataclass, fields
from statistics import mean

from sightline.sweeping.file import Limits
from sightline.sweeping.results import Result, Scores

MEGABYTE = 1e6  # bytes, as in file_mb


@dataclass(frozen=True)
class Entry:
    """A model on a data set with all its seeds, and its place among the models there, from 1 on."""

    data: str
    model: str
    results: list[Result]
    rank: int = 0

    @property
    def best(self) -> Result:
        """The seed with the best validation: the one that is registered."""
        return max(self.results, key=lambda result: (result.val.accuracy, -result.cell.seed))

    @property
    def val(self) -> Scores:
        """The seeds' mean on validation."""
        return _mean([result.val for result in self.results])

    @property
    def test(self) -> Scores:
        """The seeds' mean on test."""
        return _mean([result.test for result in self.results])

    @property
    def seconds(self) -> float | None:
        """How long a seed took here, on average; None where one ran elsewhere."""
        times = [result.seconds for result in self.results]
        return None if None in times else mean(times)


def rank(results: list[Result]) -> dict[str, list[Entry]]:
    """Return data set -> its models, the best validation first; of equal ones that with the smaller file."""
    groups: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        groups.setdefault(result.cell.data, {}).setdefault(result.cell.model, []).append(result)
    return {data: _in_order([Entry(data, *pair) for pair in models.items()]) for data, models in groups.items()}


def front(entries: list[Entry]) -> list[Entry]:
    """Return the models to which no other is as fast and as good on validation, the fastest first."""
    timed = [entry for entry in entries if entry.best.latency is not None]
    found: list[Entry] = []
    for entry in sorted(timed, key=lambda entry: (entry.best.latency, -entry.val.accuracy)):
        if not found or entry.val.accuracy > found[-1].val.accuracy:
            found.append(entry)
    return found


def misses(entry: Entry, limits: Limits) -> list[str]:
    """Return which limits a model does not keep to, each with both numbers; an empty list: all are kept."""
    size = entry.best.costs.size / MEGABYTE
    latency = entry.best.latency
    missed = []
    if limits.max_file_mb is not None and size > limits.max_file_mb:
        missed.append(f"file {size:.2f} MB, at most {limits.max_file_mb:g}")
    if limits.max_latency_ms is not None and latency is None:
        missed.append("latency not known: DVC's cache lacks the file")
    elif limits.max_latency_ms is not None and latency > limits.max_latency_ms:
        missed.append(f"latency {latency:.2f} ms, at most {limits.max_latency_ms:g}")
    if limits.min_accuracy is not None and entry.val.accuracy < limits.min_accuracy:
        missed.append(f"validation accuracy {entry.val.accuracy:.4f}, at least {limits.min_accuracy:g}")
    return missed


def select(entries: list[Entry], limits: Limits) -> Entry | None:
    """Return the first in order that keeps to all limits, or None."""
    return next((entry for entry in entries if not misses(entry, limits)), None)


def _in_order(entries: list[Entry]) -> list[Entry]:
    ordered = sorted(entries, key=lambda entry: (-entry.val.accuracy, entry.best.costs.size, entry.model))
    return [Entry(entry.data, entry.model, entry.results, place) for place, entry in enumerate(ordered, start=1)]


def _mean(scores: list[Scores]) -> Scores:
    return Scores(*(mean(getattr(score, field.name) for score in scores) for field in fields(Scores)))
