"""The leaderboard as one HTML file that opens anywhere: no network, the picture inside, tables that sort on a click."""

import re
from html import escape

from sightline.drawing.canvas import AFTER
from sightline.drawing.page import heading, image, paragraph, whole_page
from sightline.sweeping.board.ranking import Entry
from sightline.sweeping.board.significance import Lead
from sightline.sweeping.board.tables import COLUMNS, cells_of, describe_lead

STYLE = f"""
body {{ max-width: 82rem }}
p {{ max-width: 60rem }}
th, td {{ text-align: right }}
th {{ cursor: pointer }}
th:nth-child(2), td:nth-child(2), table.best th:first-child, table.best td:first-child {{ text-align: left }}
tr.first td {{ color: {AFTER}; font-weight: 600 }}
"""
SORT = """
for (const head of document.querySelectorAll("th")) head.onclick = () => {
  const body = head.closest("table").tBodies[0], place = head.cellIndex, down = head.dataset.down !== "1";
  const cell = row => row.cells[place], number = row => parseFloat(cell(row).dataset.value);
  const order = (a, b) => isNaN(number(a)) || isNaN(number(b))
    ? cell(a).textContent.localeCompare(cell(b).textContent) : number(a) - number(b);
  [...body.rows].sort((a, b) => down ? order(b, a) : order(a, b)).forEach(row => body.append(row));
  head.dataset.down = down ? "1" : "";
};
"""


TIME = re.compile(r"\b(\d+) (h|min|s)\b")
SECONDS = {"h": 3600, "min": 60, "s": 1}


def write_page(board: dict[str, list[Entry]], leads: dict[str, Lead | str], notes: list[str], picture: bytes) -> str:
    """Return the page; `picture` is the PNG of accuracy against latency."""
    best = [[data, *cells_of(entries[0])[1:]] for data, entries in board.items()]
    parts = [
        heading("Leaderboard", 1),
        *map(paragraph, notes),
        heading("Best by data set"),
        _table(("data set", *COLUMNS[1:]), best, kind="best"),
        image("accuracy against latency", picture),
    ]
    for data, entries in board.items():
        parts.append(heading(data))
        parts.append(_table(COLUMNS, [cells_of(entry) for entry in entries], kind="models"))
        parts.append(paragraph(describe_lead(leads[data])))
    return whole_page("Leaderboard", parts, STYLE, SORT)


def _table(columns: tuple[str, ...], rows: list[list[str]], kind: str) -> str:
    heads = "".join(f"<th>{escape(column)}</th>" for column in columns)
    marks = [' class="first"' if kind == "models" and not place else "" for place in range(len(rows))]
    lines = "\n".join(f"<tr{mark}>{''.join(map(_cell, row))}</tr>" for mark, row in zip(marks, rows, strict=True))
    return f'<div><table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table></div>'


def _cell(text: str) -> str:
    """Return a cell that sorts by its number, where it begins with one; a time by its seconds."""
    parts = TIME.findall(text)
    number = str(sum(int(count) * SECONDS[unit] for count, unit in parts)) if parts else _number(text)
    value = f' data-value="{number}"' if number else ""
    return f"<td{value}>{escape(text)}</td>"


def _number(text: str) -> str:
    number = text.partition(" ")[0].replace(",", "")
    return number if number.replace(".", "", 1).isdigit() else ""
