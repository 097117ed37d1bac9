"""The table of the benchmark of pretraining."""

import json
from pathlib import Path

import pandas as pd

MEANS = {"accuracy (%)": 2, "processor (s)": 0, "wall (s)": 0, "epochs": 0}  # digits


def tabulate(results: Path) -> str:
    """Return accuracy in percent, mean and each seed's, and mean seconds, a row a way, as Markdown."""
    rows = []
    for file in sorted(results.glob("*-*-*.json")):
        way, percent, seed = file.stem.split("-")
        if not way.startswith("trial"):
            content = json.loads(file.read_text())
            told = 100 * content["accuracy"], content["seconds"], content["wall"], content["epochs"]
            rows.append((int(percent), way, int(seed), *told))
    if not rows:
        return ""
    table = pd.DataFrame(rows, columns=["labels (%)", "way", "seed", *MEANS]).sort_values("seed")
    groups = table.groupby(["labels (%)", "way"])
    means = groups[list(MEANS)].mean().round(MEANS)
    means["each seed"] = groups["accuracy (%)"].agg(lambda values: ", ".join(f"{value:.2f}" for value in values))
    told = means.reset_index()
    lines = [list(told.columns), ["---"] * len(told.columns), *told.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(_write(cell) for cell in line) + " |" for line in lines)


def _write(cell: str | float) -> str:
    return cell if isinstance(cell, str) else f"{cell:g}"
