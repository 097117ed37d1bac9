"""The table of the benchmark of pretraining."""

import json
from pathlib import Path

import pandas as pd


def tabulate(results: Path) -> str:
    """Return accuracy in percent, mean and each seed's, and mean processor seconds, a row a way, as Markdown."""
    rows = []
    for file in sorted(results.glob("*-*-*.json")):
        way, percent, seed = file.stem.split("-")
        if not way.startswith("trial"):
            content = json.loads(file.read_text())
            rows.append(
                (int(percent), way, int(seed), 100 * content["accuracy"], content["seconds"], content["epochs"])
            )
    if not rows:
        return ""
    table = pd.DataFrame(rows, columns=["labels (%)", "way", "seed", "accuracy (%)", "s", "epochs"]).sort_values("seed")
    groups = table.groupby(["labels (%)", "way"])
    means = groups[["accuracy (%)", "s", "epochs"]].mean().round({"accuracy (%)": 2, "s": 0, "epochs": 0})
    means["each seed"] = groups["accuracy (%)"].agg(lambda values: ", ".join(f"{value:.2f}" for value in values))
    return means.reset_index().to_markdown(index=False)
