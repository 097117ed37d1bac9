"""`leaderboard/`: the same board as CSV, Markdown, HTML and a picture."""

from pathlib import Path

from sightline.common.files import write_table, write_text
from sightline.drawing.canvas import save_png
from sightline.drawing.front_chart import Point, draw_fronts
from sightline.sweeping.board.page import write_page
from sightline.sweeping.board.ranking import Entry, front
from sightline.sweeping.board.significance import Lead
from sightline.sweeping.board.tables import tabulate, write_markdown

LEADERBOARD = Path("leaderboard")
PICTURE = "accuracy_latency.png"


def write_board(board: dict[str, list[Entry]], leads: dict[str, Lead | str], machine: str, missing: int) -> None:
    """Write all of it and say where; `missing` experiments have no results yet."""
    if not board:
        print("no experiment of the sweep has results yet: nothing to rank")
        return
    notes = list_notes(board, machine, missing)
    save_png(LEADERBOARD / PICTURE, draw_fronts(_panels(board)))
    write_table(LEADERBOARD / "leaderboard.csv", tabulate(board))
    write_text(LEADERBOARD / "leaderboard.md", write_markdown(board, leads, notes, PICTURE))
    write_text(LEADERBOARD / "index.html", write_page(board, leads, notes, (LEADERBOARD / PICTURE).read_bytes()))
    for data, entries in board.items():
        best = entries[0]
        print(f"{data}: {best.model}, validation {best.val.accuracy:.4f}, test {best.test.accuracy:.4f}")
    print(f"{LEADERBOARD}/leaderboard.md, {LEADERBOARD}/index.html")


def list_notes(board: dict[str, list[Entry]], machine: str, missing: int) -> list[str]:
    """Return how the board is to be read."""
    seeds = {len(entry.results) for entries in board.values() for entry in entries}
    notes = [
        "Ranked by validation accuracy; test is shown and decides nothing. Intervals are of the images.",
        f"Latency: model.onnx, one image, one thread, on {machine}. Time: the whole experiment, where it ran here.",
    ]
    if seeds != {1}:
        notes.append("Scores are means over the seeds; the file is that of the seed with the best validation.")
    if missing:
        notes.append(f"{missing} experiments of the sweep have no results yet.")
    return notes


def _panels(board: dict[str, list[Entry]]) -> dict[str, list[Point]]:
    panels = {}
    for data, entries in board.items():
        leading = {entry.model for entry in front(entries)}
        timed = [entry for entry in entries if entry.best.latency is not None]
        points = [_point(entry, entry.model in leading) for entry in timed]
        panels |= {data: points} if points else {}
    return panels


def _point(entry: Entry, leads: bool) -> Point:
    val = entry.val
    return Point(entry.rank, entry.model, entry.best.latency, val.accuracy, val.low, val.high, leads)
