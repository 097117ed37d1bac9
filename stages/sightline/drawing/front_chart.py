"""The picture of accuracy against latency, with the models that no other beats in both."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.drawing.canvas import AFTER, BEFORE, GRID, INK, MUTED, legible

COLUMNS = 2
PANEL = (5.4, 3.6)  # inches
ROOM = 1.6  # factor of the axis beyond the slowest model, for its name


@dataclass(frozen=True)
class Point:
    """A model: milliseconds for one image, accuracy with its interval, and whether it lies on the front."""

    name: str
    latency: float
    accuracy: float
    low: float
    high: float
    leads: bool


def draw_fronts(panels: dict[str, list[Point]], machine: str) -> Figure:
    """Draw one panel a data set; the points' line is the Pareto front.

    Parameters
    ----------
    panels : dict
        The data set's name -> its models, one at least.
    machine : str
        Where the latencies were measured.
    """
    columns = min(COLUMNS, max(1, len(panels)))
    rows = -(-max(1, len(panels)) // columns)
    figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows + 0.5), layout="constrained")
    figure.suptitle(
        f"Validation accuracy against latency (one image, one thread, {legible(machine)})",
        fontsize=12,
        weight="bold",
        color=INK,
        x=0.01,
        ha="left",
    )
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (name, points) in zip(grid, panels.items(), strict=False):
        _draw_panel(axes, name, points)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    return figure


def _draw_panel(axes: Axes, name: str, points: list[Point]) -> None:
    front = sorted((point for point in points if point.leads), key=lambda point: point.latency)
    axes.plot([p.latency for p in front], [p.accuracy for p in front], color=AFTER, linewidth=1.4, zorder=1)
    for point in points:
        color = AFTER if point.leads else BEFORE
        away = [[max(0.0, point.accuracy - point.low)], [max(0.0, point.high - point.accuracy)]]
        axes.errorbar(point.latency, point.accuracy, yerr=away, fmt="o", color=color, markersize=5, linewidth=0.9)
        below = {"xytext": (5, 5), "textcoords": "offset points", "fontsize": 8, "color": INK, "parse_math": False}
        axes.annotate(legible(point.name), (point.latency, point.accuracy), **below)
    latencies = [point.latency for point in points]
    axes.set(xscale="log", xlabel="ms an image", ylabel="validation accuracy")
    axes.set_xlim(min(latencies) / 1.3, max(latencies) * ROOM * 1.3)
    axes.set_title(legible(name), fontsize=11, color=INK, loc="left")
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
