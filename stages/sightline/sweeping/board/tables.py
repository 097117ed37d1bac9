"""The leaderboard as a table for programs and one to read."""

import pandas as pd

from sightline.drawing.markdown import table
from sightline.sweeping.board.ranking import MEGABYTE, Entry
from sightline.sweeping.board.significance import Lead
from sightline.sweeping.journal import describe_seconds

COLUMNS = (
    "",
    "model",
    "validation accuracy",
    "test accuracy",
    "test macro F1",
    "test ECE",
    "parameters",
    "million MACs",
    "file, MB",
    "latency, ms",
    "time",
)


def tabulate(board: dict[str, list[Entry]]) -> pd.DataFrame:
    """Return one row a model and data set, in order, with every number as it is."""
    return pd.DataFrame([_row(entry) for entries in board.values() for entry in entries])


def cells_of(entry: Entry) -> list[str]:
    """Return the cells of a model's row, as `COLUMNS` names them, for people."""
    best = entry.best
    return [
        str(entry.rank),
        entry.model,
        _with_interval(entry.val),
        _with_interval(entry.test),
        f"{entry.test.f1_macro:.4f}",
        f"{entry.test.ece:.4f}",
        f"{best.costs.parameters:,}",
        f"{best.costs.macs / 1e6:,.1f}",
        f"{best.costs.size / MEGABYTE:.2f}",
        "-" if best.latency is None else f"{best.latency:.2f}",
        "-" if entry.seconds is None else describe_seconds(entry.seconds),
    ]


def write_markdown(board: dict[str, list[Entry]], leads: dict[str, Lead | str], notes: list[str], picture: str) -> str:
    """Return the leaderboard as Markdown: how to read it, the best by data set, then each data set."""
    lines = ["# Leaderboard", "", *(f"{note}  " for note in notes), ""]
    lines += ["## Best by data set", "", *table(("data set", *COLUMNS[1:]), _best_rows(board)), ""]
    lines += [f"![accuracy against latency]({picture})", ""]
    for data, entries in board.items():
        lines += [f"## {data}", "", *table(COLUMNS, [cells_of(entry) for entry in entries]), ""]
        lines += [describe_lead(leads[data]), ""]
    return "\n".join(lines).rstrip() + "\n"


def describe_lead(lead: Lead | str) -> str:
    """Return the comparison of the first two as a sentence that begins and ends as one."""
    text = lead if isinstance(lead, str) else lead.describe()
    return f"The lead: {text}."


def _best_rows(board: dict[str, list[Entry]]) -> list[list[str]]:
    return [[data, *cells_of(entries[0])[1:]] for data, entries in board.items()]


def _row(entry: Entry) -> dict:
    best = entry.best
    scores = {
        f"{subset}_{name}": value
        for subset, found in (("val", entry.val), ("test", entry.test))
        for name, value in vars(found).items()
    }
    row = {"data": entry.data, "rank": entry.rank, "model": entry.model, "seeds": len(entry.results)}
    costs = {"parameters": best.costs.parameters, "macs": best.costs.macs, "file_bytes": best.costs.size}
    times = {"latency_ms": best.latency, "seconds": entry.seconds and round(entry.seconds, 1)}
    return row | scores | costs | times | {"experiment": best.name, "commit": best.commit}


def _with_interval(scores) -> str:
    return f"{scores.accuracy:.4f} ({scores.low:.4f} to {scores.high:.4f})"
