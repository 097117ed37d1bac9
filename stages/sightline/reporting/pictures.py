"""The report's pictures: flipped images, changes of the confusion matrix, learning curves one over the other."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sightline.drawing.palette import AFTER, BEFORE, GRID, INK

TILE = (1.75, 2.45)  # inches: the image, a heading above and two lines of text below it


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
    height = TILE[1] * len(groups)
    figure = Figure(figsize=(TILE[0] * columns, height), layout="constrained")
    for part, (heading, flips) in zip(np.atleast_1d(figure.subfigures(len(groups), 1)), groups.items(), strict=True):
        part.suptitle(heading, fontsize=11, fontweight="bold", x=0.01, ha="left", color=INK)
        axes = part.subplots(1, columns)
        for axis in np.atleast_1d(axes):
            axis.set_axis_off()
        for axis, image, flip in zip(np.atleast_1d(axes), pixels[heading], flips.itertuples(), strict=False):
            axis.imshow(image)
            caption = f"{_short(flip.actual)}: {flip.sure_before:.2f} to {flip.sure_after:.2f}"
            told = f"{_short(flip.before)} \N{RIGHTWARDS ARROW} {_short(flip.after)}"
            place = {"transform": axis.transAxes, "ha": "center", "va": "top"}
            axis.text(0.5, -0.04, f"{told}\n{caption}", fontsize=8, color=INK, **place)
    return figure


def draw_confusion_change(change: np.ndarray, classes: list[str]) -> Figure:
    """Draw int [classes, classes], actual by predicted: after minus before."""
    side = max(3.2, 0.32 * len(classes) + 1.4)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axis, most = figure.subplots(), max(1, int(np.abs(change).max()))
    good = np.where(np.eye(len(classes), dtype=bool), change, -change)  # more on the diagonal is good, elsewhere bad
    axis.imshow(good, cmap="PiYG", vmin=-most, vmax=most)
    for actual, predicted in np.argwhere(change):
        ink = "white" if abs(change[actual, predicted]) > 0.7 * most else INK
        axis.text(predicted, actual, f"{change[actual, predicted]:+d}", ha="center", va="center", fontsize=8, color=ink)
    names = [_short(name) for name in classes]
    axis.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, names)) > 3 else 0)
    axis.set_yticks(range(len(classes)), names)
    axis.set(xlabel="predicted", ylabel="actual", title="images more (+) or fewer (-) than before")
    axis.title.set_fontsize(10)
    return figure


def draw_curves(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame], names: list[str]) -> Figure:
    """Draw each curve of `names`, which both or one of the revisions have, in a panel of its own."""
    figure = Figure(figsize=(4.2 * len(names), 3.0), layout="constrained")
    for axis, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        for label, color, curves in (("before", BEFORE, before), ("after", AFTER, after)):
            for path, curve in sorted(curves.items()):
                if path == name or path.endswith(f"/{name}"):
                    axis.plot(curve["step"], curve.iloc[:, -1], color=color, label=label, linewidth=1.6)
        axis.set(title=name, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(color=GRID, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
        axis.legend(handles.values(), handles.keys(), frameon=False, fontsize=8, loc="center right")
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}\N{HORIZONTAL ELLIPSIS}"
