"""The confusion matrix as a picture that grows with the classes, so that their names stay legible."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

CELL = 0.24  # inches, which leaves room for a class name in a line and for a count of three digits
SMALLEST = 3.4  # inches: the side of the matrix for few classes
NAMED = 150  # classes: with more, the picture would be too large, so names and counts are left out
UNNAMED = 10.0  # inches: the side of the matrix then
LETTER = 0.09  # inches, about
MOST_LETTERS = 28
INK, MUTED = "#1b1f24", "#6b7280"


def draw_confusion(labels: np.ndarray, predicted: np.ndarray, classes: list[str]) -> Figure:
    """Draw how often each class (row) was taken for each class (column).

    Parameters
    ----------
    labels, predicted : ndarray
        int [n] in [0, classes).
    classes : list of str
        Their names.

    Returns
    -------
    Figure
        Colour is the share of the row's images; numbers are counts. Without images the matrix is blank.
    """
    counts = np.bincount(labels * len(classes) + predicted, minlength=len(classes) ** 2).reshape(len(classes), -1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(SMALLEST, CELL * len(classes)) if len(classes) <= NAMED else UNNAMED
    figure = Figure(figsize=(side + 2.4, side + 2.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xlabel("predicted class", color=MUTED)
    axes.set_ylabel("actual class", color=MUTED)
    axes.set_title(f"{len(labels)} test images", fontsize=12, weight="bold", color=INK, loc="left")
    _name_classes(axes, classes)
    if len(classes) <= NAMED:
        _write_counts(axes, counts, share, size=9 if CELL * len(classes) < SMALLEST else 6.5)
    return figure


def _name_classes(axes: Axes, classes: list[str]) -> None:
    axes.spines[:].set_visible(False)
    if len(classes) > NAMED:
        axes.set(xticks=[], yticks=[])
        return
    names = [name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1].rstrip()}…" for name in classes]
    places = range(len(names))
    upright = LETTER * max(map(len, names)) > max(SMALLEST / len(names), CELL)
    axes.set_xticks(places, names, rotation=90 if upright else 0, fontsize=8.5, color=INK, parse_math=False)
    axes.set_yticks(places, names, fontsize=8.5, color=INK, parse_math=False)
    axes.tick_params(length=0)
    edges = np.arange(len(names) + 1) - 0.5
    axes.hlines(edges, edges[0], edges[-1], color="#e5e7eb", linewidth=0.5)
    axes.vlines(edges, edges[0], edges[-1], color="#e5e7eb", linewidth=0.5)


def _write_counts(axes: Axes, counts: np.ndarray, share: np.ndarray, size: float) -> None:
    for row, column in np.argwhere(counts > 0):
        color = "white" if share[row, column] > 0.5 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=size, color=color)
