"""Results made by hand, without an experiment behind them."""

from sightline.sweeping.plan import Cell
from sightline.sweeping.results import Costs, File, Result, Scores


def scores(accuracy, f1_macro=0.5, ece=0.1):
    return Scores(accuracy, accuracy - 0.1, accuracy + 0.05, f1_macro, ece)


def result(model, val, test=0.5, **other):
    """Return a result; `other`: data, seed, size, latency (None: DVC's cache lacks the file), parameters, commit."""
    data, seed = other.get("data", "digits"), other.get("seed", 0)
    latency = other.get("latency", 1.0)
    costs = Costs(other.get("parameters", 1000), 2_500_000, other.get("size", 1_000_000))
    return Result(
        cell=Cell(data, model, seed, {"model": model, "seed": seed}),
        name=f"{data}-{model}-s{seed}-00000000",
        commit=40 * other.get("commit", "a"),
        val=scores(val),
        test=scores(test),
        costs=costs,
        file=None if latency is None else File(64 * "0", latency),
        seconds=60.0,
    )
