"""From a board to the registry: a record of every model, and the winner of each data set under the limits."""

from dataclasses import replace

from sightline.sweeping.board.ranking import Entry, misses, select
from sightline.sweeping.file import Limits
from sightline.sweeping.registry import FORMAT, MODEL, Choice, FileRecord, Record, Registry, ScoresRecord, Selection
from sightline.sweeping.results import File, Scores


def register(board: dict[str, list[Entry]], before: Registry, machine: str) -> Registry:
    """Return the registry with what the board has; data sets and models that it lacks stay as they are.

    So does a model of the same commit whose file is not here.
    """
    models = {data: dict(records) for data, records in before.models.items()}
    for data, entries in board.items():
        for entry in entries:
            known = models.setdefault(data, {}).get(entry.model)
            models[data][entry.model] = _record(entry, known, machine)
    return Registry(format=FORMAT, models=models)


def choose(
    board: dict[str, list[Entry]], registry: Registry, limits: dict[str, Limits], before: Selection
) -> Selection:
    """Return the winner of each data set on the board; those of data sets that it lacks stay as they are."""
    selected = dict(before.selected)
    for data, listed in board.items():
        entries = [_with_registered(entry, registry.models[data][entry.model]) for entry in listed]
        winner = select(entries, limits[data])
        passed_over = {}
        for entry in entries:
            if entry is winner:
                break
            passed_over[entry.model] = misses(entry, limits[data])
        record = registry.models[data][winner.model] if winner else None
        model = winner.model if winner else None
        selected[data] = Choice(model=model, record=record, limits=limits[data], passed_over=passed_over)
    return Selection(format=FORMAT, selected=selected)


def describe_unmet(board: dict[str, list[Entry]], selection: Selection) -> list[str]:
    """Return a line for each data set of which no model keeps to the limits: the best model, and what it misses."""
    lines = []
    for data, choice in selection.selected.items():
        if choice.model is None and data in board:
            model, missed = next(iter(choice.passed_over.items()))
            lines.append(
                f"sweep.yaml: limits: no model of {data} keeps to them; the best, {model}: {'; '.join(missed)}"
            )
    return lines


def _with_registered(entry: Entry, record: Record) -> Entry:
    """Return a model with the latency that the registry has of its file, where the file is not here."""
    best = entry.best
    if best.file or record.latency_ms is None:
        return entry
    timed = replace(best, file=File(record.file.sha256, record.latency_ms))
    return replace(entry, results=[timed if result is best else result for result in entry.results])


def _record(entry: Entry, known: Record | None, machine: str) -> Record:
    best = entry.best
    if best.file is None and known and known.commit == best.commit:
        return known
    version = 1 if known is None else known.version + (known.commit != best.commit)
    return Record(
        version=version,
        experiment=best.name,
        commit=best.commit,
        seed=best.cell.seed,
        parameters=best.cell.values,
        metrics={"val": _scores(best.val), "test": _scores(best.test)},
        file=FileRecord(path=MODEL, sha256=best.file.sha256 if best.file else None, bytes=best.costs.size),
        latency_ms=best.latency,
        machine=machine,
        trained_parameters=best.costs.parameters,
        macs=best.costs.macs,
    )


def _scores(scores: Scores) -> ScoresRecord:
    return ScoresRecord(**vars(scores))
