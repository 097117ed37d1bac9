"""The state of a service on one page that opens anywhere: no network, the charts inside."""

from html import escape

from sightline.drawing.monitor_charts import draw_confidence, draw_shares, draw_shifts
from sightline.drawing.page import heading, image, paragraph, table, whole_page
from sightline.monitoring.feedback import Rate
from sightline.monitoring.windows import Window
from sightline.scoring.reference import Reference

LATEST = 200  # windows in the charts
LISTED = 30  # windows, and slices, in tables


def write_page(windows: list[Window], reference: Reference, rates: list[Rate], notes: list[str]) -> str:
    """Return the page of all windows, the newest first in its table, and of what labels tell."""
    shown = windows[-LATEST:]
    drifted = [bool(window.drift) for window in shown]
    names = [name for name in (*reference.pixels, "confidence") if all(name in window.tests for window in shown)]
    shifts = {name: [window.tests[name].get("shift", 0.0) for window in shown] for name in names}
    shares = {name: [window.shares.get(name, 0.0) for window in shown] for name in reference.classes}
    before = {name: count / reference.images for name, count in reference.classes.items()}
    usual = sum(reference.confidence) / len(reference.confidence)
    charts = {
        "shift of each number": draw_shifts(shifts, drifted),
        "mean confidence": draw_confidence([window.confidence for window in shown], usual, drifted),
        "shares of predicted classes": draw_shares(shares, before, drifted),
    }
    parts = [
        heading("Does what the service sees still look like the test images?", 1),
        _verdict(windows[-1]),
        *map(paragraph, notes),
        *(image(name, chart) for name, chart in charts.items()),
        heading("Accuracy on labels that came later"),
        _rates(rates),
        heading("Windows"),
        _windows(windows[: -LISTED - 1 : -1]),
    ]
    return whole_page("Monitor", parts)


def _verdict(window: Window) -> str:
    if window.drift:
        return paragraph(f"Drift in the last window: {', '.join(window.drift)}", "bad")
    return paragraph("No drift in the last window", "good")


def _rates(rates: list[Rate]) -> str:
    if not rates:
        return paragraph("No label yet: --feedback feedback.csv, with image or request, and label.")
    rows = [
        (escape(rate.name), str(rate.images), f"{rate.accuracy:.1%}", f"{rate.low:.1%} to {rate.high:.1%}")
        for rate in rates[:LISTED]
    ]
    return table(("images", "labelled", "accuracy", "95 % interval"), rows)


def _windows(windows: list[Window]) -> str:
    rows = [
        (window.begin, window.end, str(window.images), f"{window.confidence:.3f}", ", ".join(window.drift) or "-")
        for window in windows
    ]
    cells = [[escape(cell) for cell in row] for row in rows]
    return table(("from", "until", "images", "confidence", "drift"), cells, bad=[bool(one.drift) for one in windows])
