"""Pictures of how a classifier fails and of how far its probabilities can be trusted."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from sightline.common.files import replacing
from sightline.scoring.calibration_error import expected_calibration_error

DPI = 110
COLUMNS = 6
TILE = (1.9, 2.45)  # inches: the image, and three lines of text below it
HEADER = 0.72  # inches above the tiles
TEXT_WIDTH = 72 * (TILE[0] - 0.15)  # points: what fits below a tile
NAMES, FIGURES = FontProperties(size=9, weight="bold"), FontProperties(size=9)
INK, MUTED, RIGHT, WRONG, BARS = "#1b1f24", "#6b7280", "#15803d", "#b91c1c", "#c7d2e5"


def save_png(path: str | Path, figure: Figure) -> None:
    """Write a figure as PNG whose bytes depend on nothing but the figure."""
    with replacing(path) as beside:
        figure.savefig(beside, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})


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


def draw_mistakes(mistakes: pd.DataFrame, images: np.ndarray, classes: list[str], heading: str) -> Figure:
    """Draw wrongly classified images in a grid, each with its class, the predicted one and the confidence.

    Parameters
    ----------
    mistakes : pandas.DataFrame
        One row a tile: label, predicted (int), confidence in [0, 1]. None: the picture holds the heading alone.
    images : ndarray
        uint8 [n, H, W, 3], in the order of the rows.
    heading : str
        What the picture shows, on one line.
    """
    if mistakes.empty:
        return _draw_message(heading)
    columns = min(COLUMNS, max(3, len(mistakes)))
    rows = -(-len(mistakes) // columns)
    width, height = columns * TILE[0] + 0.2, rows * TILE[1] + HEADER
    figure = Figure(figsize=(width, height))
    figure.text(0.15 / width, 1 - 0.15 / height, heading, fontsize=12, weight="bold", color=INK, va="top")
    figure.text(0.15 / width, 1 - 0.42 / height, "actual class → predicted class", fontsize=9, color=MUTED, va="top")
    for position, (mistake, image) in enumerate(zip(mistakes.itertuples(), images, strict=True)):
        row, column = divmod(position, columns)
        left, top = column * TILE[0] + 0.15, height - HEADER - row * TILE[1]
        side = TILE[0] - 0.1
        axes = figure.add_axes((left / width, (top - side) / height, (side - 0.1) / width, (side - 0.1) / height))
        _draw_tile(axes, image, classes[mistake.label], classes[mistake.predicted], mistake.confidence)
    return figure


def draw_reliability(tables: dict[str, pd.DataFrame], bins: int) -> Figure:
    """Draw reliability diagrams side by side: accuracy against confidence, and the share of images in each bin.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Title to `sightline.scoring.calibration.reliability_table`; one without rows is drawn as having no images.
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


def _draw_tile(axes: Axes, image: np.ndarray, actual: str, predicted: str, confidence: float) -> None:
    small = max(image.shape[:2]) < TILE[0] * DPI
    axes.imshow(image, interpolation="nearest" if small else "antialiased")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#d1d5db")
    lines = [(_shorten(actual), NAMES, RIGHT), (_shorten(f"→ {predicted}"), NAMES, WRONG)]
    lines.append((f"{100 * confidence:.1f} % sure", FIGURES, MUTED))
    for number, (text, font, color) in enumerate(lines):
        below = {"xytext": (0, -4 - 12.5 * number), "textcoords": "offset points", "va": "top"}
        # a class may be called $5, which is no formula
        axes.annotate(text, (0, 0), xycoords="axes fraction", **below, font=font, color=color, parse_math=False)


def _draw_message(text: str) -> Figure:
    figure = Figure(figsize=(6.6, 1.4))
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=13, color=INK)
    return figure


def _shorten(text: str) -> str:
    if _width(text) <= TEXT_WIDTH:
        return text
    fits = next(length for length in range(len(text) - 1, 0, -1) if _width(f"{text[:length]}…") <= TEXT_WIDTH)
    return f"{text[:fits].rstrip()}…"


def _width(text: str) -> float:
    return text_to_path.get_text_width_height_descent(text, NAMES, ismath=False)[0]
