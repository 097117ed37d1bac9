"""What earlier runs took, one line of JSON each, outside of Git; and what that lets expect of others."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from sightline.sweeping.plan import Cell

FOLDER = Path(".sweep")  # of this machine: ignored by Git
RUNS = FOLDER / "runs.jsonl"
LOGS = FOLDER / "logs"


@dataclass(frozen=True)
class Run:
    """An experiment that has ended: how long it took, and why it failed; no reason: it did not."""

    name: str
    data: str
    model: str
    seconds: float
    reason: str = ""


def append_run(run: Run, root: Path) -> None:
    """Note a run; a line is written at once."""
    path = root / RUNS
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(run), ensure_ascii=False) + "\n")


def read_runs(root: Path) -> list[Run]:
    """Return all runs, the oldest first; a line that a full disk or a kill cut short is left out."""
    path = root / RUNS
    runs = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            runs.append(Run(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return runs


def seconds_of(name: str, runs: list[Run]) -> float | None:
    """Return how long an experiment took here, or None."""
    return next((run.seconds for run in reversed(runs) if run.name == name and not run.reason), None)


def estimate(cell: Cell, runs: list[Run]) -> float | None:
    """Return the seconds that an experiment is likely to take, or None where earlier runs tell nothing.

    The median of the same model on the same data set; else the model's usual time, times how much longer than usual the
    data set takes.
    """
    times = defaultdict(list)
    for run in runs:
        if not run.reason:
            times[run.data, run.model].append(run.seconds)
    if (cell.data, cell.model) in times:
        return median(times[cell.data, cell.model])
    usual = {pair: median(seconds) for pair, seconds in times.items()}
    model = [seconds for (_, name), seconds in usual.items() if name == cell.model]
    data = [seconds / _usual_of(usual, pair) for pair, seconds in usual.items() if pair[0] == cell.data]
    return median(model) * median(data) if model and data else None


def _usual_of(usual: dict[tuple[str, str], float], pair: tuple[str, str]) -> float:
    """Return the time of a pair's model over all data sets."""
    return median(seconds for (_, model), seconds in usual.items() if model == pair[1])


def describe_seconds(seconds: float) -> str:
    """Return a time as one says it: 42 s, 7 min, 2 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
