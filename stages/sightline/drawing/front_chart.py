"""The picture of accuracy against latency, with the models that no other beats in both."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sightline.drawing.canvas import AFTER, GRID, INK, MUTED, legible

COLUMNS = 2
PANEL = (6.6, 3.6)  # inches
BESIDE = 1.03  # of a panel's width: where the names begin
LINE = 0.085  # of a panel's height, at most: from one name to the next
ROOM = 1.25  # factor of the axis beyond the fastest and the slowest model


@dataclass(frozen=True)
class Point:
    """A model: its rank, milliseconds for one image, accuracy with its interval, and whether it lies on the front."""

    rank: int
    name: str
    latency: float
    accuracy: float
    low: float
    high: float
    leads: bool


def draw_fronts(panels: dict[str, list[Point]]) -> Figure:
    """Draw one panel a data set: points with their ranks, names beside it, and the Pareto front as a line.

    Parameters
    ----------
    panels : dict
        The data set's name -> its models in their order, one at least.
    """
    columns = min(COLUMNS, max(1, len(panels)))
    rows = -(-max(1, len(panels)) // columns)
    figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows + 0.5), layout="constrained")
    heading = "Validation accuracy against latency"
    figure.suptitle(heading, fontsize=12, weight="bold", color=INK, x=0.01, ha="left")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (name, points) in zip(grid, panels.items(), strict=False):
        _draw_panel(axes, name, points)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    return figure


def _draw_panel(axes: Axes, name: str, points: list[Point]) -> None:
    front = sorted((point for point in points if point.leads), key=lambda point: point.latency)
    axes.plot([p.latency for p in front], [p.accuracy for p in front], color=AFTER, linewidth=1.4, zorder=1)
    line = min(LINE, 1 / len(points))
    for place, point in enumerate(points):
        color = AFTER if point.leads else MUTED
        away = [[max(0.0, point.accuracy - point.low)], [max(0.0, point.high - point.accuracy)]]
        axes.errorbar(point.latency, point.accuracy, yerr=away, fmt="o", color=color, markersize=5, linewidth=0.8)
        number = {"xytext": (4, 4), "textcoords": "offset points", "fontsize": 9, "color": color}
        axes.annotate(str(point.rank), (point.latency, point.accuracy), **number)
        text = {"fontsize": 9, "color": color, "va": "top", "parse_math": False, "transform": axes.transAxes}
        axes.text(BESIDE, 1 - place * line, f"{point.rank}  {legible(point.name)}", **text)
    latencies = [point.latency for point in points]
    axes.set(xscale="log", xlabel="ms for one image (one thread)", ylabel="validation accuracy")
    axes.set_xlim(min(latencies) / ROOM, max(latencies) * ROOM)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(legible(name), fontsize=11, color=INK, loc="left")
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
