"""Pieces of Markdown: one table writer for the report, the model card and the benchmarks."""

from collections.abc import Callable, Iterable, Sequence


def format_cell(value: object) -> str:
    """Return a cell's text: four digits of a fraction, thousands apart, a dash for None; names are escaped."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return escape(str(value))
    if abs(value) >= 1000:
        return f"{value:.4g}"
    return f"{value:.4f}" if value == 0 or abs(value) >= 5e-4 else f"{value:.2e}"


def table(columns: Sequence[str], rows: Iterable[Sequence], show: Callable[[object], str] = format_cell) -> list[str]:
    """Return the lines of a table; `show` turns a value into the text of its cell."""
    return [_row(columns), f"|{'---|' * len(columns)}", *(_row([show(value) for value in row]) for row in rows)]


def folded(summary: str, lines: list[str]) -> list[str]:
    """Return lines that show when `summary` is clicked."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def escape(name: str) -> str:
    """Return a name that stays in its cell, or in its sentence, as it is."""
    return name.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _row(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
