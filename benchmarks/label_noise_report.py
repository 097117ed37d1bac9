"""The tables of what was measured with wrong labels: means and deviations over the seeds."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

FOUND = ("doubted", "precision", "precision_of_surest_tenth", "recall", "suggestion_right")


def write_tables(folder: Path) -> None:
    """Write label_noise.md from the cells that are there."""
    accuracy, found = read_cells(folder)
    methods = list(dict.fromkeys(method for cell in accuracy.values() for method in cell))
    lines = [row("noise", *methods), row(*["---"] * (1 + len(methods)))]
    lines += [row(noise, *(spread(cell.get(method, [])) for method in methods)) for noise, cell in accuracy.items()]
    lines += ["", row("noise", *FOUND), row(*["---"] * (1 + len(FOUND)))]
    lines += [row(noise, *(spread(values[name]) for name in FOUND)) for noise, values in found.items()]
    (folder / "label_noise.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_cells(folder: Path) -> tuple[dict[str, dict[str, list[float]]], dict[str, dict[str, list[float]]]]:
    """Return accuracies by noise and method, and what was found by noise, a value a seed."""
    accuracy = defaultdict(lambda: defaultdict(list))
    found = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*.json")):
        noise, rate, method, _ = path.stem.split("-")
        cell = json.loads(path.read_text(encoding="utf-8"))
        for weights in ("best", "last"):
            accuracy[f"{noise} {rate}, {weights}"][method].append(cell[f"accuracy_{weights}"])
        for name in FOUND:
            if name in cell:
                found[f"{noise} {rate}, {method}"][name].append(cell[name])
    return accuracy, found


def spread(values: list[float]) -> str:
    """Return the mean, for shares with the deviation, and of how many."""
    if not values:
        return "-"
    shown = f"{mean(values):.4f}" if max(values) <= 1 else f"{mean(values):.0f}"
    return f"{shown} ± {stdev(values):.4f} ({len(values)})" if len(values) > 1 and max(values) <= 1 else shown


def row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
