"""How windows of a service's answers went on, as curves in PNG; a window that drifted is red."""

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.drawing.canvas import AFTER, BEFORE, DPI, GRID, INK, MUTED, SERIES, WRONG

SHOWN = 10  # classes: those whose shares moved most
SIZE = (11, 3)  # inches


def draw_shifts(shifts: dict[str, list[float]], drifted: list[bool]) -> bytes:
    """Draw each number's shift, in deviations, window by window."""
    axes = _axes("Shift of the mean against the test images, in deviations")
    for color, (name, values) in zip(SERIES, shifts.items(), strict=False):
        axes.plot(values, color=color, linewidth=1.4, label=name, marker="." if len(values) < 30 else None)
    axes.axhline(0, color=BEFORE, linewidth=1)
    return _finish(axes, drifted)


def draw_confidence(confidence: list[float], reference: float, drifted: list[bool]) -> bytes:
    """Draw the mean confidence window by window, and that of the test images."""
    axes = _axes("Mean confidence")
    axes.axhline(reference, color=BEFORE, linewidth=1.4, label="test images")
    axes.plot(confidence, color=AFTER, linewidth=1.4, label="answers", marker="." if len(confidence) < 30 else None)
    return _finish(axes, drifted)


def draw_shares(shares: dict[str, list[float]], reference: dict[str, float], drifted: list[bool]) -> bytes:
    """Draw how much larger or smaller each predicted class's share is than among the test images."""
    axes = _axes("Share of a predicted class, minus its share among the test images")
    moved = {name: np.array(values) - reference[name] for name, values in shares.items()}
    shown = sorted(moved, key=lambda name: -np.abs(moved[name]).max())[:SHOWN]
    for color, name in zip(SERIES, sorted(shown), strict=False):
        axes.plot(moved[name], color=color, linewidth=1.4, label=name)
    axes.axhline(0, color=BEFORE, linewidth=1)
    return _finish(axes, drifted)


def _axes(title: str) -> Axes:
    axes = Figure(figsize=SIZE, layout="constrained").subplots()
    axes.set_title(title, fontsize=10, loc="left", color=INK, parse_math=False)
    axes.set_xlabel("window", fontsize=9, color=MUTED)
    axes.grid(axis="y", color=GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=MUTED, labelcolor=INK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return axes


def _finish(axes: Axes, drifted: list[bool]) -> bytes:
    for place, drift in enumerate(drifted):
        if drift:
            axes.axvspan(place - 0.5, place + 0.5, color=WRONG, alpha=0.12, linewidth=0)
    axes.set_xlim(-0.5, len(drifted) - 0.5)
    legend = axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    for text in legend.get_texts():
        text.set_parse_math(False)
    file = BytesIO()
    axes.figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
