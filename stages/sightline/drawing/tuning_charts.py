"""Pictures of a search: how it went, which values the best trials have, and which keys mattered."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.drawing.canvas import AFTER, BARS, BEFORE, GRID, INK, MARK, MUTED, PAPER, SHARES

ROW = 0.32  # inches a bar


def draw_history(trials: pd.DataFrame, objective: str, bigger_is_better: bool) -> Figure:
    """Draw each trial's value, those given up hollow, and the best one so far.

    Parameters
    ----------
    trials : pandas.DataFrame
        Columns trial, state, and that of the objective: one row a trial.
    objective : str
        The column to draw.
    bigger_is_better : bool
        What best means.
    """
    figure, axes = _frame(f"{objective} of each trial")
    valued = trials[trials[objective].notna()]
    ended = valued[valued["state"] == "complete"]
    given_up = valued[valued["state"] == "pruned"]
    best = ended[objective].cummax() if bigger_is_better else ended[objective].cummin()
    axes.scatter(ended["trial"], ended[objective], s=18, color=AFTER, label="came to its end", zorder=3)
    axes.scatter(given_up["trial"], given_up[objective], s=18, facecolors="none", edgecolors=BEFORE, label="given up")
    axes.step(ended["trial"], best, where="post", color=MARK, label="best so far")
    axes.set(xlabel="trial", ylabel=objective)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    return figure


def draw_parallel(trials: pd.DataFrame, objective: str, keys: list[str], bigger_is_better: bool) -> Figure:
    """Draw each trial that came to its end as a line through its values: the darker, the better.

    Parameters
    ----------
    trials : pandas.DataFrame
        One row a trial: state, the objective and the keys.
    objective : str
        The column that gives the colour, and stands at the right.
    keys : list of str
        The columns to draw.
    bigger_is_better : bool
        What better means.
    """
    ended = trials[trials["state"] == "complete"].sort_values(objective, ascending=bigger_is_better)
    columns = [*keys, objective]
    places = np.column_stack([_place(ended[column]) for column in columns])
    figure, axes = _frame("Values of the trials, the better the darker", width=max(6.0, 1.5 * len(columns)))
    for rank, heights in enumerate(places):
        shade = 0.15 + 0.85 * (rank + 1) / len(places)
        axes.plot(heights, color=colormaps[SHARES](shade), linewidth=1.2)
    for place, column in enumerate(columns):
        _label_ends(axes, place, ended[column])
    axes.set_xticks(range(len(columns)), columns, rotation=20, ha="right")
    axes.set_yticks([])
    axes.set(ylim=(-0.12, 1.12))
    axes.grid(axis="x", color=GRID)
    return figure


def draw_importances(importances: pd.DataFrame) -> Figure:
    """Draw columns key and importance as bars, the first on top."""
    figure, axes = _frame("How much each key mattered", height=1.2 + ROW * len(importances))
    axes.barh(importances["key"][::-1], importances["importance"][::-1], color=BARS)
    axes.set(xlabel="share", xlim=(0, 1))
    return figure


def _frame(title: str, width: float = 6.0, height: float = 4.0) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=12, weight="bold", color=INK, loc="left")
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _place(column: pd.Series) -> np.ndarray:
    """Return each value's height in [0, 1]: of numbers of several sizes by their logarithms, of others by order."""
    if not pd.api.types.is_numeric_dtype(column) or column.dtype == bool:
        _, numbers = np.unique(column.astype(str), return_inverse=True)
        heights = numbers.astype(float)
    else:
        heights = column.to_numpy(dtype=float)
        heights = np.log(heights) if heights.min() > 0 and heights.max() / heights.min() > 20 else heights
    span = np.ptp(heights)
    return (heights - heights.min()) / span if span else np.full(len(heights), 0.5)


def _label_ends(axes: Axes, place: int, column: pd.Series) -> None:
    """Write the lowest and the highest value, or each of a few others, beside an axis."""
    order = np.argsort(_place(column), kind="stable")
    heights = _place(column)
    numeric = pd.api.types.is_numeric_dtype(column) and column.dtype != bool
    chosen = {order[0], order[-1]} if numeric else set(order)
    for height, text in sorted({(heights[row], _short(column.iloc[row])) for row in chosen}):
        box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1}
        axes.text(place + 0.03, height, text, fontsize=8, color=INK, va="center", parse_math=False, bbox=box)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
