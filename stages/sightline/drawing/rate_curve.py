"""The picture of a learning-rate range test."""

import pandas as pd
from matplotlib.figure import Figure

from sightline.drawing.canvas import AFTER, BEFORE, GRID, INK, MARK, MUTED


def draw_rate_curve(curve: pd.DataFrame, suggestion: float) -> Figure:
    """Draw the loss over the rate, with the suggestion.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns lr, loss, smoothed: one row an update.
    suggestion : float
        The rate to mark.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve["lr"], curve["loss"], color=BEFORE, linewidth=1, label="of each update")
    axes.plot(curve["lr"], curve["smoothed"], color=AFTER, linewidth=1.8, label="smoothed")
    axes.axvline(suggestion, color=MARK, linestyle="--", label=f"suggested: {suggestion:.1e}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
    axes.set_title("Learning-rate range test", fontsize=12, weight="bold", color=INK, loc="left")
    axes.set_ylim(curve["smoothed"].min() * 0.9, curve["smoothed"].iloc[0] * 1.3)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
