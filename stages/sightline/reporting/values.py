"""Values of two revisions beside each other: which differ, and by how much."""


def list_changed(before: dict, after: dict) -> list[tuple]:
    """Return (name, before, after, gap) of all values that differ; the gap of numbers only."""
    names = sorted(set(before) | set(after))
    return [
        (name, before.get(name), after.get(name), format_gap(before.get(name), after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def format_gap(before: object, after: object) -> str | None:
    """Return after - before with its sign; None unless both are numbers."""
    numbers = [value for value in (before, after) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2:
        return None
    gap = after - before
    if isinstance(gap, int):
        return f"{gap:+,}"
    return f"{gap:+.4f}" if abs(gap) >= 5e-5 else f"{gap:+.1e}"
