"""The picture of a training without labels: is it learning, are its features worth something, has it collapsed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sightline.drawing.canvas import AFTER, BEFORE, GRID, INK, MARK, MUTED

PANELS = {  # column -> title, and a line to compare with
    "loss": "loss of two views",
    "knn_accuracy": "accuracy of nearest neighbours on val",
    "spread": "spread of embeddings (0: collapsed, 1: all directions)",
}


def draw_curves(history: pd.DataFrame, title: str) -> Figure:
    """Draw loss, accuracy of neighbours and spread by epoch, those that there are, side by side.

    Parameters
    ----------
    history : pandas.DataFrame
        Column epoch, counted from 1, 0 being the start, and some of those of `PANELS`; NaN where not measured.
    """
    columns = [column for column in PANELS if column in history and history[column].notna().any()]
    figure = Figure(figsize=(4.2 * len(columns), 3.4), layout="constrained")
    figure.suptitle(title, fontsize=12, weight="bold", color=INK, x=0.01, ha="left")
    for axes, column in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
        _draw(axes, history[["epoch", column]].dropna(), column)
    return figure


def _draw(axes: Axes, curve: pd.DataFrame, column: str) -> None:
    axes.plot(curve["epoch"], curve[column], color=AFTER, linewidth=1.8, marker="o", markersize=3)
    if column == "knn_accuracy":
        axes.axhline(curve[column].iloc[0], color=BEFORE, linestyle="--", label="before learning")
        axes.legend(frameon=False)
    if column == "spread":
        axes.set_ylim(0, max(1.1, curve[column].max() * 1.05))
        axes.axhline(0, color=MARK, linewidth=2)
    axes.set_title(PANELS[column], fontsize=9.5, color=INK, loc="left")
    axes.set_xlabel("epoch", color=MUTED)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
