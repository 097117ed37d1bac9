"""Pieces of Markdown."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence]) -> list[str]:
    """Return the lines of a table; floats get four digits, None becomes a dash."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return lines + [f"| {' | '.join(show(value) for value in row)} |" for row in rows]


def show(value: object) -> str:
    """Return a cell's text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) and abs(value) >= 1000 else _text(value)


def changed(before: dict, after: dict) -> list[tuple]:
    """Return (name, before, after, difference) of all values that differ; the difference of numbers only."""
    names = sorted(set(before) | set(after))
    return [
        (name, before.get(name), after.get(name), difference(before.get(name), after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def difference(before: object, after: object) -> str | None:
    """Return after - before with its sign; None unless both are numbers."""
    numbers = [value for value in (before, after) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2:
        return None
    gap = after - before
    return f"{gap:+,}" if isinstance(gap, int) else f"{gap:+.4f}" if abs(gap) >= 5e-5 else f"{gap:+.1e}"


def folded(summary: str, lines: list[str]) -> list[str]:
    """Return lines that show when `summary` is clicked."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def escape(name: str) -> str:
    """Return a name that stays in its cell."""
    return name.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _text(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) and (value == 0 or abs(value) >= 5e-4) else _plain(value)


def _plain(value: object) -> str:
    return f"{value:.2e}" if isinstance(value, float) else escape(str(value))
