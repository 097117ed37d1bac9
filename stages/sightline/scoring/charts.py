"""The pictures of evaluate: confusion matrix, reliability, mistakes and doubtful labels."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.drawing.canvas import BARS, GRID, INK, MUTED, SHARES, WRONG
from sightline.drawing.charts import draw_mistakes, fitted
from sightline.scoring.diagnosis.label_issues import CONFLICT
from sightline.scoring.metrics.calibration_error import expected_calibration_error
from sightline.scoring.predictions import Predictions
from sightline.scoring.tables import DIAGRAMS

CELL = 0.24  # inches, which leaves room for a class name in a line and for a count of three digits
SMALLEST = 3.4  # inches: the side of the matrix for few classes
NAMED = 150  # classes: with more, the picture would be too large, so names and counts are left out
UNNAMED = 10.0  # inches: the side of the matrix then
NAME = 2.2  # inches that a class name may take
NAME_SIZE = 8.5  # points


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
    axes.imshow(share, cmap=SHARES, vmin=0, vmax=1, interpolation="nearest")
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
    names = [fitted(name, NAME_SIZE, NAME) for name in classes]
    cell = max(SMALLEST / len(names), CELL)
    upright = any(fitted(name, NAME_SIZE, 0.9 * cell) != name for name in names)
    style = {"fontsize": NAME_SIZE, "color": INK, "parse_math": False}
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0, **style)
    axes.set_yticks(range(len(names)), names, **style)
    axes.tick_params(length=0)
    edges = np.arange(len(names) + 1) - 0.5
    axes.hlines(edges, edges[0], edges[-1], color=GRID, linewidth=0.5)
    axes.vlines(edges, edges[0], edges[-1], color=GRID, linewidth=0.5)


def _write_counts(axes: Axes, counts: np.ndarray, share: np.ndarray, size: float) -> None:
    for row, column in np.argwhere(counts > 0):
        color = "white" if share[row, column] > 0.5 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=size, color=color)


def select_mistakes(test: pd.DataFrame, most: int) -> tuple[pd.DataFrame, str]:
    """Return the wrong predictions that were most confident, and a line that says what they are.

    Parameters
    ----------
    test : pandas.DataFrame
        label, predicted (int) and confidence of every test image.
    most : int
        How many to return at most; of equally confident ones the earlier.
    """
    if test.empty:
        return test, "There are no test images"
    wrong = test[test["label"] != test["predicted"]]
    if wrong.empty:
        return wrong, f"All {len(test)} test images are right"
    shown = wrong.sort_values("confidence", ascending=False, kind="stable").head(most)
    which = "" if len(shown) == len(wrong) else f", the {len(shown)} most confident"
    return shown, f"{len(wrong)} of {len(test)} test images are wrong{which}"


def draw_reliability(tables: dict[str, pd.DataFrame], bins: int) -> Figure:
    """Draw reliability diagrams side by side: accuracy against confidence, and the share of images in each bin.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Title to its table, as from `reliability_table`; one without rows is drawn as having no images.
    bins : int
        That the tables were made with.
    """
    figure = Figure(figsize=(4.6 * len(tables), 4.8), layout="constrained")
    for axes, (title, table) in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True):
        _style_reliability(axes)
        if table.empty:
            axes.set_title(f"{title}: no images", fontsize=11, color=INK, loc="left")
            continue
        axes.set_title(f"{title}: ECE {expected_calibration_error(table):.3f}", fontsize=11, color=INK, loc="left")
        share = table["count"] / table["count"].sum()
        axes.bar((table["bin"] - 0.5) / bins, share, width=0.92 / bins, color=BARS, label="share of images")
        axes.vlines(table["confidence"], table["confidence"], table["accuracy"], color=WRONG, alpha=0.45, linewidth=1.4)
        axes.plot(
            table["confidence"],
            table["accuracy"],
            "o-",
            color=INK,
            markersize=4,
            linewidth=1.4,
            clip_on=False,
            label="accuracy",
        )
        axes.legend(loc="upper left", fontsize=8.5, frameon=False)
    return figure


def _style_reliability(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1, label="perfectly calibrated")
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01), aspect="equal", xlabel="confidence", ylabel="accuracy, share")
    axes.tick_params(colors=MUTED, labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)


def draw_pictures(
    test: Predictions, reliability: pd.DataFrame, pixels: np.ndarray, names: list[str], bins: int, mistakes: int
) -> dict[str, Figure]:
    """Draw confusion, reliability (from its table), and up to `mistakes` confident mistakes, of test images."""
    diagrams = {name: reliability[reliability["curve"] == name] for name in DIAGRAMS}
    shown, heading = select_mistakes(test.decided, mistakes)
    return {
        "confusion": draw_confusion(test.labels, test.predicted, names),
        "reliability": draw_reliability(diagrams, bins),
        "mistakes": draw_mistakes(shown, pixels[shown["row"].to_numpy()], names, heading),
    }


def draw_issues(issues: pd.DataFrame, pixels: np.ndarray, names: list[str], most: int) -> Figure:
    """Draw the first labels of `sightline.scoring.diagnosis.label_issues.tabulate_issues`, at most `most`."""
    shown = issues.head(most).rename(columns={"suggested": "predicted"})
    remarks = [_remark(issue) for issue in shown.itertuples()]
    which = "" if len(shown) == len(issues) else f", the first {len(shown)}"
    heading = f"Labels that may be wrong: {len(issues)}{which}" if len(issues) else "No label looks wrong"
    rows = shown["row"].to_numpy(dtype=int)
    return draw_mistakes(shown.assign(remark=remarks), pixels[rows], names, heading, "given label → suggested label")


def _remark(issue: tuple) -> str:
    if issue.reason == CONFLICT:
        return "equal pixels"
    return f"{100 * issue.own_probability:.1f} % → {100 * issue.probability:.1f} %"
