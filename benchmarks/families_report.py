"""The table of docs/families.md, from the entries of `families.py`."""

from workspace import REPOSITORY

REPORT = REPOSITORY / "docs/families.md"
HEADER = """TODO"""


def has_failed(row: dict) -> bool:
    return any("error" in result for result in row["stages"].values())


def describe(row: dict) -> str:
    """Return a line for who watches."""
    costs = [f"{stage} {r['seconds']} s {r['mib']} MiB" for stage, r in row["stages"].items()]
    errors = [f"{stage}: {r['error']}" for stage, r in row["stages"].items() if "error" in r]
    return f"{row['module']} {row['name']} {row['side']} px: {', '.join(costs)} {'; '.join(errors)}"


def write_report(rows: dict[str, dict]) -> None:
    pass
