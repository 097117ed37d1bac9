"""From a board to the registry: a record of every model, and the winner of each data set under the limits."""

from sightline.sweeping.board.ranking import Entry, misses, select
from sightline.sweeping.file import Limits
from sightline.sweeping.registry import FORMAT, MODEL, Choice, FileRecord, Record, Registry, ScoresRecord, Selection
from sightline.sweeping.results import Scores


def register(board: dict[str, list[Entry]], before: Registry, machine: str) -> Registry:
    """Return the registry with what the board has; data sets and models that it lacks stay as they are."""
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
    for data, entries in board.items():
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


def _record(entry: Entry, known: Record | None, machine: str) -> Record:
    best = entry.best
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
