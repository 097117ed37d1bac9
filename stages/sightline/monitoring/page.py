"""The state of a service on one page that opens anywhere: no network, the charts inside."""

import base64
from html import escape

from sightline.drawing.canvas import FRAME, GRID, INK, MUTED, PAPER, RIGHT, WRONG
from sightline.drawing.monitor_charts import draw_confidence, draw_shares, draw_shifts
from sightline.monitoring.feedback import Rate
from sightline.monitoring.windows import Window
from sightline.scoring.reference import Reference

LATEST = 200  # windows in the charts
LISTED = 30  # windows, and slices, in tables
STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: {INK}; background: {PAPER}; margin: 2rem auto; max-width: 70rem;
  padding: 0 1rem }}
h1 {{ margin-bottom: .3rem }}
h2 {{ margin-top: 2rem }}
p {{ color: {MUTED}; margin: .3rem 0 }}
p.drift {{ color: {WRONG}; font-weight: 600 }}
p.calm {{ color: {RIGHT}; font-weight: 600 }}
div {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .3rem .7rem; text-align: left; white-space: nowrap; border-bottom: 1px solid {GRID} }}
th {{ border-bottom: 2px solid {FRAME} }}
tr.drift td {{ color: {WRONG} }}
img {{ max-width: 100% }}
"""


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
        "<h1>Does what the service sees still look like the test images?</h1>",
        _verdict(windows[-1]),
        *(f"<p>{escape(note)}</p>" for note in notes),
        *(show_image(name, chart) for name, chart in charts.items()),
        "<h2>Accuracy on labels that came later</h2>",
        _rates(rates),
        "<h2>Windows</h2>",
        _windows(windows[: -LISTED - 1 : -1]),
    ]
    return wrap("Monitor", parts)


def wrap(title: str, parts: list[str]) -> str:
    """Return parts of a body as a page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _verdict(window: Window) -> str:
    if window.drift:
        return f'<p class="drift">Drift in the last window: {escape(", ".join(window.drift))}</p>'
    return '<p class="calm">No drift in the last window</p>'


def show_image(name: str, png: bytes) -> str:
    """Return a picture, with its bytes inside."""
    return f'<p><img alt="{name}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></p>'


def _rates(rates: list[Rate]) -> str:
    if not rates:
        return "<p>No label yet: --feedback feedback.csv, with image or request, and label.</p>"
    rows = [
        ("", (rate.name, str(rate.images), f"{rate.accuracy:.1%}", f"{rate.low:.1%} to {rate.high:.1%}"))
        for rate in rates[:LISTED]
    ]
    return show_table(("images", "labelled", "accuracy", "95 % interval"), rows)


def _windows(windows: list[Window]) -> str:
    rows = [
        (
            "drift" if window.drift else "",
            (window.begin, window.end, str(window.images), f"{window.confidence:.3f}", ", ".join(window.drift) or "-"),
        )
        for window in windows
    ]
    return show_table(("from", "until", "images", "confidence", "drift"), rows)


def show_table(columns: tuple[str, ...], rows: list[tuple[str, tuple[str, ...]]]) -> str:
    """Return a table of (class of the row in the page's style, cells)."""
    heads = "".join(f"<th>{column}</th>" for column in columns)
    lines = [f'<tr class="{kind}">{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>' for kind, cells in rows]
    return f"<div><table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
