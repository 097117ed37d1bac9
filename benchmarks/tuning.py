"""Compare how `make tune` searches: TPE that gives up bad trials early, random search, a grid; at equal epochs.

    OMP_NUM_THREADS=1 python benchmarks/tuning.py table digits      # trains each point of a grid once
    python benchmarks/tuning.py replay digits                       # searches the table, seed by seed

A replay is the tuner's own code, from asking for a trial to giving it up, with a runner that reads the curve of the
nearest point in the table instead of training: so five seeds of three searches cost minutes. What it cannot tell is how
searches differ between the points. The first trial is a corner of the table, since params.yaml is near its best point
already. Results: benchmarks/results/tuning/.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "stages"))
RESULTS = REPOSITORY / "benchmarks/results/tuning"
FULL_TRIALS = {"digits": 16, "ants_bees": 24}  # whose epochs each search may spend
POINTS = {"digits": (4, 2), "ants_bees": (4, 2)}  # of lr and weight_decay: with the choices, as many as full trials
SEARCHES = {
    "TPE, median": {"sampler": "tpe", "pruner": "median"},
    "TPE": {"sampler": "tpe", "pruner": "none"},
    "random": {"sampler": "random", "pruner": "none"},
    "grid": {"sampler": "grid", "pruner": "none"},
}
SEEDS = range(5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "replay"])
    parser.add_argument("name", choices=sorted(FULL_TRIALS))
    options = parser.parse_args()
    path = RESULTS / f"{options.name}.jsonl"
    if options.what == "table":
        write_table(options.name, path)
    else:
        replay(options.name, [json.loads(line) for line in path.read_text().splitlines()])


def write_table(name: str, path: Path) -> None:
    """Train each point of a data set's grid and write the rows."""
    from tuning_table import make_table, write_rows

    with tempfile.TemporaryDirectory() as folder:
        if name == "ants_bees":
            (Path(folder) / "ants_bees.zip").symlink_to(REPOSITORY / "data/raw/ants_bees.zip")
        write_rows(path, make_table(name, Path(folder)))


def replay(name: str, rows: list[dict]) -> None:
    """Print, search by search, mean and standard deviation over the seeds."""
    print(f"best of the table: {max(max(row['curve']) for row in rows):.4f}; {len(rows)} points")
    print(
        "search | best validation accuracy | lowest | epochs until then | test accuracy of the winner | trials | epochs"
    )
    for label, changes in SEARCHES.items():
        found = [search_once(name, rows, changes, seed) for seed in SEEDS]
        best, when, test, begun, epochs = np.array(found).T
        print(
            f"{label} | {best.mean():.4f} ± {best.std(ddof=1):.4f} | {best.min():.4f} | {when.mean():.0f} | "
            f"{test.mean():.4f} ± {test.std(ddof=1):.4f} | {begun.mean():.0f} | {epochs.mean():.0f}"
        )


def search_once(name: str, rows: list[dict], changes: dict, seed: int) -> tuple[float, int, float, int, int]:
    """Search with one seed until the epochs are spent.

    Returns
    -------
    tuple
        Best validation accuracy, epochs spent until it was found, test accuracy of it, trials begun, epochs spent.
    """
    from optuna.storages import InMemoryStorage
    from optuna.trial import FrozenTrial

    from sightline.common.params import load_params
    from sightline.parameters.whole import WholeParams
    from sightline.tuning.loop import Search, search
    from sightline.tuning.results import find_winner
    from sightline.tuning.search import quieten
    from sightline.tuning.space import read_parameters
    from sightline.tuning.study import open_study
    from sightline.tuning.today import flatten
    from tuning_table import AXES

    quieten()
    settings = make_settings(name, changes, seed)
    parameters = read_parameters(settings.space)
    today = flatten(load_params(WholeParams, str(REPOSITORY / "params.yaml")).model_dump(mode="json"))
    length = len(rows[0]["curve"])
    today |= {"epochs": length} | {axis: values[0] for axis, values in AXES[name].items()}
    study = open_study(settings, parameters, today, InMemoryStorage(), length)
    runner = TableRunner(rows)
    budget = FULL_TRIALS[name] * length
    spent_at = {}

    def tell(trial: FrozenTrial) -> None:
        spent_at[trial.number] = runner.spent

    search(Search(study, settings, parameters, today, runner, lambda: runner.spent >= budget, tell, 0.0))
    winner = find_winner(study, settings)
    row = runner.rows_of[f"{settings.study}-{winner.number}"]
    return winner.values[0], spent_at[winner.number], row["test"], len(runner.rows_of), runner.spent


def make_settings(name: str, changes: dict, seed: int):
    """Return the content of a tune.yaml whose space spans the table."""
    from sightline.tuning.settings import TuneParams
    from tuning_table import AXES

    space = {}
    for axis, values in AXES[name].items():
        space[axis] = {"choices": values}
    for axis, points in zip(("lr", "weight_decay"), POINTS[name], strict=True):
        space[axis] = {"low": AXES[name][axis][0], "high": AXES[name][axis][-1], "log": True, "points": points}
    common = {"study": name, "objectives": ["val/accuracy"], "prune_after": 2, "seeds": [], "trials": 10**6}
    common |= {"hours": 0.0, "jobs": 1, "threads": 1, "storage": "journal", "push": ""}
    return TuneParams.model_validate(common | {"space": space, "seed": seed} | changes)


class TableRunner:
    """Starts trials that read the table.

    Parameters
    ----------
    rows : list of dict
        values, curve, test.
    """

    def __init__(self, rows: list[dict]):
        self._rows = rows
        self.rows_of: dict[str, dict] = {}
        self.spent = 0  # epochs

    def start(self, name: str, values: dict, slot: int) -> "TableRun":
        """Start a trial on the nearest point."""
        row = min(self._rows, key=lambda row: _distance(row["values"], values))
        self.rows_of[name] = row
        return TableRun(row, self)


class TableRun:
    """A trial that takes an epoch a look."""

    def __init__(self, row: dict, runner: TableRunner):
        self._row, self._runner, self._seen = row, runner, 0

    def status(self) -> int | None:
        self._seen += 1
        self._runner.spent += 1
        return 0 if self._seen == len(self._row["curve"]) else None

    def curves(self) -> list[list[float]]:
        return [self._row["curve"][: self._seen]]

    def values(self) -> list[float]:
        return [max(self._row["curve"])]

    def epochs(self) -> int:
        return self._seen

    def stop(self) -> None:
        """Nothing runs."""

    interrupt = stop


def _distance(point: dict, values: dict) -> float:
    """Return how far a point is: choices must agree, of numbers the logarithms are compared."""
    far = sum(1000 for axis in point if axis not in ("lr", "weight_decay") and point[axis] != values[axis])
    return far + sum(abs(np.log(point[axis] / values[axis])) for axis in ("lr", "weight_decay"))


if __name__ == "__main__":
    main()
