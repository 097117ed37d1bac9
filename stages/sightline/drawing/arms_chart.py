"""How far two models' accuracies differ, as more and more of their answers are labelled."""

from collections.abc import Sequence
from io import BytesIO

from matplotlib.figure import Figure

from sightline.drawing.canvas import AFTER, BEFORE, DPI, GRID, INK, MUTED


def draw_difference(looks: Sequence[tuple[int, float, float]]) -> bytes:
    """Draw intervals as a band, in PNG.

    Parameters
    ----------
    looks : sequence of (int, float, float)
        Comparisons so far, and the ends of the interval, from -1 to 1.
    """
    count, low, high = zip(*looks, strict=True)
    axes = Figure(figsize=(11, 3), layout="constrained").subplots()
    axes.fill_between(count, [100 * end for end in low], [100 * end for end in high], color=AFTER, alpha=0.25)
    axes.axhline(0, color=BEFORE, linewidth=1)
    axes.set_title(
        "Accuracy of the candidate minus that of the current model, in points", fontsize=10, loc="left", color=INK
    )
    axes.set_xlabel("comparisons", fontsize=9, color=MUTED)
    axes.set_ylim(-30, 30)
    axes.grid(axis="y", color=GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=MUTED, labelcolor=INK)
    stream = BytesIO()
    axes.figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()
