"""What a drift check found: the lines on the terminal, the content of drift.json, and a picture."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.common.rows import evenly
from sightline.drawing.canvas import AFTER, BARS, BEFORE, INK, MUTED, WRONG
from sightline.drawing.charts import fitted
from sightline.drifting.numbers import Batch
from sightline.scoring.reference import Reference

NAME = 1.4  # inches that a class name may take
SHOWN = 12  # classes in the picture: those whose shares changed most
POINTS = 500  # of the reference and of the batch in the map
AXIS = "embedding axis"


def describe(table: pd.DataFrame, images: int, unreadable: int, reference: int) -> str:
    """Return the lines for the terminal: all tests, but of the embedding's axes only the strongest."""
    axes = table["what"].str.startswith(AXIS)
    strongest = table[axes].sort_values("p", kind="stable").index[:1]
    lines = [f"{images} images, {unreadable} other files, against {reference} test images"]
    lines.append(f"{'':<24}{'distance':>10}{'by chance':>11}{'shift':>8}{'p':>10}")
    for row in table[~axes | table.index.isin(strongest)].itertuples():
        usual = "" if np.isnan(row.by_chance) else f"{row.by_chance:.4f}"
        shift = "" if np.isnan(row.shift) else f"{row.shift:+.2f}"
        note = "  drift" if row.drift else ""
        lines.append(f"{row.what:<24}{row.distance:>10.4f}{usual:>11}{shift:>8}{row.p_corrected:>10.2g}{note}")
    found = table["what"][table["drift"] & ~axes].tolist()
    moved = int((table["drift"] & axes).sum())
    found += [f"{moved} of {axes.sum()} embedding axes"] if moved else []
    return "\n".join([*lines, f"drift: {', '.join(found)}" if found else "no drift"])


def to_json(table: pd.DataFrame, batch: Batch, reference: Reference, classes: list[str], alpha: float) -> dict:
    """Return the content of drift.json; a number that is not defined is left out."""
    rows = table.set_index("what").to_dict("index")
    tests = {what: {name: value for name, value in row.items() if not pd.isna(value)} for what, row in rows.items()}
    shares = {
        name: {"reference": reference.classes[name] / reference.images, "batch": float(count / len(batch))}
        for name, count in zip(classes, batch.counts, strict=True)
    }
    told = {"images": len(batch), "unreadable": batch.unreadable, "reference_images": reference.images, "alpha": alpha}
    return told | {"drift": bool(table["drift"].any()), "tests": tests, "classes": shares}


def draw(table: pd.DataFrame, batch: Batch, reference: Reference, classes: list[str]) -> Figure:
    """Draw the shifts of all numbers, the map of both on two axes of the embedding, and the shares of the classes."""
    figure = Figure(figsize=(14, 5.2), layout="constrained")
    axes = figure.subplots(1, 3)
    _draw_shifts(axes[0], table[table["test"] == "Kolmogorov-Smirnov"])
    _draw_map(axes[1], batch, reference)
    _draw_shares(axes[2], batch, reference, classes)
    for part in axes:
        part.spines[["top", "right"]].set_visible(False)
        part.tick_params(labelsize=8, colors=MUTED, labelcolor=INK)
    return figure


def _draw_shifts(axes: Axes, table: pd.DataFrame) -> None:
    shown = table[::-1]
    axes.barh(shown["what"], shown["shift"].fillna(0), color=[WRONG if row else BARS for row in shown["drift"]])
    axes.axvline(0, color=BEFORE, linewidth=1)
    axes.set_title("Shift of the mean, in deviations (red: drift)", fontsize=10, loc="left", color=INK)


def _draw_map(axes: Axes, batch: Batch, reference: Reference) -> None:
    axes.set_title("Embeddings on two axes of the test images", fontsize=10, loc="left", color=INK)
    if reference.embedding is None or len(reference.embedding.axes) < 2:
        axes.text(0.5, 0.5, "the model has none", ha="center", va="center", transform=axes.transAxes)
        return
    for places, color, name in (
        (np.array(reference.embedding.places), BEFORE, "test images"),
        (batch.places, AFTER, "new images"),
    ):
        shown = places[evenly(len(places), POINTS), :2]
        axes.scatter(*shown.T, s=9, color=color, alpha=0.6, linewidths=0, label=name)
    axes.legend(fontsize=8, frameon=False)


def _draw_shares(axes: Axes, batch: Batch, reference: Reference, classes: list[str]) -> None:
    before = np.array([reference.classes[name] for name in classes]) / reference.images
    after = batch.counts / len(batch)
    shown = np.sort(np.argsort(-np.abs(after - before), kind="stable")[:SHOWN])
    for offset, values, color, name in ((0.2, before, BEFORE, "test images"), (-0.2, after, AFTER, "new images")):
        axes.barh(np.arange(len(shown))[::-1] + offset, values[shown], height=0.4, color=color, label=name)
    axes.set_yticks(np.arange(len(shown))[::-1], [fitted(classes[code], 8, NAME) for code in shown], parse_math=False)
    which = (
        "Share of each predicted class" if len(classes) <= SHOWN else f"Shares of the {SHOWN} classes that moved most"
    )
    axes.set_title(which, fontsize=10, loc="left", color=INK)
    axes.legend(fontsize=8, frameon=False)
