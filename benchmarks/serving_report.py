"""Windows of load as Markdown tables: medians over rounds, with their range."""

from collections import Counter
from collections.abc import Callable, Iterable
from statistics import median


def to_tables(rows: list[dict]) -> str:
    """Return the tables of closed and open loops.

    Parameters
    ----------
    rows : list of dict
        As benchmarks/serving.py writes them: one a window.
    """
    closed = [row for row in rows if row["loop"] == "closed"]
    opened = [row for row in rows if row["loop"] == "open"]
    return "\n\n".join([_closed_table(closed), _open_table(opened)])


def ratios(rows: list[dict], server: str, clients: int, other: str, column: str) -> list[float]:
    """Return what a server with so many clients has over another with as many, or over the bound, round by round."""

    def find(name: str, number: int) -> float:
        wanted = {"server": name, "round": number, "clients": 0 if name == "bound" else clients}
        return next(row[column] for row in rows if all(row[key] == value for key, value in wanted.items()))

    return [find(server, number) / find(other, number) for number in sorted({row["round"] for row in rows})]


def spread(values: Iterable[float], form: str) -> str:
    """Return the median with its range."""
    values = list(values)
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _closed_table(rows: list[dict]) -> str:
    lines = [
        "| server | clients | answers a second | p50, p95, p99 in ms | processor time of the server, of the client, us "
        "| rate over the bound | rate over plain | processor time over the bound | not answered with 200 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    keys = sorted({(row["server"], row["clients"]) for row in rows}, key=lambda key: (key[1], key[0]))
    for server, clients in keys:
        windows = [row for row in rows if (row["server"], row["clients"]) == (server, clients)]
        told = _columns(windows)
        cells = [server, str(clients or ""), spread(told("rate"), ".0f")]
        if server == "bound":
            cells += ["", f"{median(told('server_us')):.0f}", "", "", "", ""]
        else:
            cells += [
                ", ".join(f"{median(told(name)):.2f}" for name in ("p50", "p95", "p99")),
                f"{median(told('server_us')):.0f}, {median(told('client_us')):.0f}",
                spread(ratios(rows, server, clients, "bound", "rate"), ".2f"),
                spread(ratios(rows, server, clients, "plain", "rate"), ".1f"),
                spread(ratios(rows, server, clients, "bound", "server_us"), ".2f"),
                str(sum(told("refused")) + sum(told("failed"))),
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _open_table(rows: list[dict]) -> str:
    lines = [
        "| requests over capacity | answers a second | p50, p95, p99 in ms | p99 over p50 | processor time of the "
        "server, of the client, us | answers by status |",
        "|---|---|---|---|---|---|",
    ]
    for share in sorted({row["share"] for row in rows}):
        windows = [row for row in rows if row["share"] == share]
        told = _columns(windows)
        answers = sum((Counter(row["answers"]) for row in windows), Counter())
        cells = [
            f"{share:g}",
            spread(told("rate"), ".0f"),
            ", ".join(f"{median(told(name)):.2f}" for name in ("p50", "p95", "p99")),
            spread((row["p99"] / row["p50"] for row in windows), ".1f"),
            f"{median(told('server_us')):.0f}, {median(told('client_us')):.0f}",
            ", ".join(f"{name}: {count}" for name, count in sorted(answers.items())),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _columns(rows: list[dict]) -> Callable[[str], list[float]]:
    return lambda name: [row[name] for row in rows]
