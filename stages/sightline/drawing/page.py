"""A page that opens anywhere: no network, pictures inside, tables that scroll where a phone is too narrow."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

from sightline.drawing.canvas import FRAME, GRID, INK, MUTED, PAPER, RIGHT, WRONG

STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: {INK}; background: {PAPER}; margin: 2rem auto; max-width: 70rem;
  padding: 0 1rem }}
h1 {{ margin-bottom: .3rem; overflow-wrap: anywhere }}
h2 {{ margin-top: 2rem }}
p {{ color: {MUTED}; margin: .3rem 0 }}
p.good {{ color: {RIGHT}; font-weight: 600 }}
p.bad {{ color: {WRONG}; font-weight: 600 }}
div {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .3rem .7rem; text-align: left; white-space: nowrap; border-bottom: 1px solid {GRID} }}
th {{ border-bottom: 2px solid {FRAME} }}
td.text {{ white-space: normal; min-width: 16rem }}
tr.bad td {{ color: {WRONG} }}
i {{ display: inline-block; width: 3em; height: 1em; border: 1px solid {FRAME}; vertical-align: middle }}
img {{ max-width: 100% }}
@media (max-width: 40rem) {{
  th, td {{ padding: .3rem .35rem }}
  td.text {{ min-width: 8rem }}
}}
"""


def whole_page(title: str, parts: Iterable[str], style: str = "", script: str = "") -> str:
    """Return a page of parts, each HTML; `style` and `script` are what it has of its own."""
    script = f"<script>{script}</script>\n" if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n" + "\n".join(parts) + f"\n{script}</body>\n</html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text; `kind` is good or bad for one that is to be seen first."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def image(name: str, png: bytes) -> str:
    """Return a picture with its content; `name` says what it shows."""
    return f'<p><img alt="{escape(name)}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></p>'


def swatch(red: float, green: float, blue: float) -> str:
    """Return a small field of a colour whose parts are in [0, 1]."""
    return f'<i style="background: rgb({", ".join(str(round(255 * part)) for part in (red, green, blue))})"></i>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], long: str = "", bad: Sequence[bool] = ()) -> str:
    """Return a table of cells in HTML; those of the column `long` are sentences, which wrap; `bad` rows stand out."""
    heads = "".join(f"<th>{escape(column)}</th>" for column in columns)
    marks = [' class="text"' if long and column == long else "" for column in columns]
    cells = ["".join(f"<td{mark}>{cell}</td>" for mark, cell in zip(marks, row, strict=True)) for row in rows]
    kinds = [' class="bad"' if is_bad else "" for is_bad in bad] or [""] * len(cells)
    lines = [f"<tr{kind}>{row}</tr>" for kind, row in zip(kinds, cells, strict=True)]
    return f"<div><table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
