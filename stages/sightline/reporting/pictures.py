"""The report's pictures: flipped images, changes of the confusion matrix, learning curves one over the other."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sightline.drawing.canvas import AFTER, BEFORE, GRID, INK, MUTED, WORSE_TO_BETTER
from sightline.drawing.charts import TILE, draw_on_inches, draw_tile, fitted

HEADING = 0.4  # inches above a row of tiles
NAME = 1.6  # inches that a class name may take
SIZE = 8.5  # points


def draw_flips(groups: dict[str, pd.DataFrame], pixels: dict[str, np.ndarray], columns: int) -> Figure:
    """Draw a row of images for each group.

    Parameters
    ----------
    groups : dict
        Heading -> one row an image: actual, before, after (names), sure_before, sure_after (of the actual class).
    pixels : dict
        Heading -> uint8 [n, H, W, 3] in the same order.
    columns : int
        Of the grid, at least the longest group.
    """
    row = HEADING + TILE[1]
    width, height = columns * TILE[0] + 0.2, row * len(groups)
    axes = draw_on_inches(width, height)
    for number, (heading, flips) in enumerate(groups.items()):
        top = height - number * row
        place = {"x": 0.15 / width, "y": (top - 0.12) / height, "va": "top"}
        axes.figure.text(s=heading, **place, fontsize=11, weight="bold", color=INK)
        for column, (flip, image) in enumerate(zip(flips.itertuples(), pixels[heading], strict=True)):
            draw_tile(axes, image, (column * TILE[0] + 0.15, top - HEADING), _describe_flip(flip))
    return axes.figure


def _describe_flip(flip: tuple) -> tuple[str, str, str]:
    """Return an image's class, the wrong class that was or is predicted, and how sure of the right one."""
    wrong = f"now → {flip.after}" if flip.before == flip.actual else f"before → {flip.before}"
    return flip.actual, wrong, f"{100 * flip.sure_before:.0f} % → {100 * flip.sure_after:.0f} % sure of it"


def draw_confusion_change(change: np.ndarray, classes: list[str]) -> Figure:
    """Draw int [classes, classes], actual by predicted: after minus before."""
    side = max(2.4, 0.32 * len(classes)) + NAME + 0.8
    figure = Figure(figsize=(side, side), layout="constrained")
    axis = figure.subplots()
    most = max(1, int(np.abs(change).max()))
    good = np.where(np.eye(len(classes), dtype=bool), change, -change)  # more on the diagonal is good, elsewhere bad
    axis.imshow(good, cmap=LinearSegmentedColormap.from_list("change", WORSE_TO_BETTER), vmin=-most, vmax=most)
    for actual, predicted in np.argwhere(change):
        ink = "white" if abs(change[actual, predicted]) > 0.7 * most else INK
        axis.text(predicted, actual, f"{change[actual, predicted]:+d}", ha="center", va="center", fontsize=8, color=ink)
    names = [fitted(name, SIZE, NAME) for name in classes]
    style = {"fontsize": SIZE, "color": INK, "parse_math": False}
    axis.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, names)) > 3 else 0, **style)
    axis.set_yticks(range(len(classes)), names, **style)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("predicted class", color=MUTED)
    axis.set_ylabel("actual class", color=MUTED)
    axis.set_title("images, more (+) or fewer (-)", fontsize=10, color=INK, loc="left")
    return figure


def draw_curves(before: pd.DataFrame, after: pd.DataFrame, panels: list[tuple[str, str]]) -> Figure:
    """Draw those curves of `Revision.read_curves` that `panels` names by measure and subset, each in a panel."""
    figure = Figure(figsize=(4.2 * len(panels), 3.0), layout="constrained")
    for axis, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        measure, subset = panel
        for label, color, curves in (("before", BEFORE, before), ("after", AFTER, after)):
            shown = curves[(curves["measure"] == measure) & (curves["subset"] == subset)]
            for _, curve in shown.groupby("member"):
                axis.plot(curve["epoch"], curve["value"], color=color, label=label, linewidth=1.6)
        axis.set_title(f"{subset} {measure}", fontsize=11, color=INK, loc="left")
        axis.set_xlabel("epoch", color=MUTED)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(color=GRID, linewidth=0.6)
        axis.tick_params(colors=MUTED)
        axis.spines[["top", "right"]].set_visible(False)
        handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
        axis.legend(handles.values(), handles.keys(), frameon=False, fontsize=8, loc="center right")
    return figure
