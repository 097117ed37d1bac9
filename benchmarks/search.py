"""Architecture search under a latency limit, against a network chosen by hand, on a part of CIFAR-10.

    python benchmarks/subsets.py cifar10 cifar10.zip
    python benchmarks/search.py

The tuner's own code, with a runner that trains in this process instead of by experiments of DVC. The limit is the
latency of the network chosen by hand, `cnn` as it is, and a twentieth. It gets a search of its own, over the
learning rate alone. Validation chooses; each winner is then trained with seeds 0 to 2, and looks at test once. 200
training images a class, 50 for validation, 100 test images, 6 epochs. Results lie in benchmarks/results/search, one
file a training, so that it goes on where it was stopped.
"""

import argparse
import hashlib
import json
from functools import partial
from pathlib import Path

from in_one_process import REPOSITORY, accuracy_of, keep, load, mean_and_spread, prepare, train

RESULTS = REPOSITORY / "benchmarks/results/search"
COUNTS = {"train": 200, "val": 50, "test": 100}  # a class
ROOM = 1.05
RECIPE = {"arithmetic": "native", "epochs": 6, "augment.horizontal_flip": 0.5, "model": "cnn"}
RATE = {"lr": {"low": 1e-3, "high": 3e-2, "log": True}}
TRIALS = {"by hand": 6, "searched": 18}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    folder = RESULTS / "run"
    prepare(folder, COUNTS)
    limit = keep(RESULTS / "limit.json", partial(measure_limit, folder))["latency_ms"]
    print(f"limit: {limit:.4f} ms", flush=True)
    for name, trials in TRIALS.items():
        found = search(name, folder, trials, limit)
        print(name, found, flush=True)
        runs = [keep(RESULTS / f"{name}_{seed}.json", partial(judge, folder, found, seed)) for seed in options.seeds]
        print(f"| {name} | {mean_and_spread([run['test'] for run in runs])} | {runs}", flush=True)


def measure_limit(folder: Path) -> dict:
    """Return the latency of the network chosen by hand, with the room."""
    from sightline.images.store import read_dataset
    from sightline.tuning.limits import find_excess

    said = find_excess(today(), {"latency_ms": 1e-9}, read_dataset(folder / "data/prepared"))
    return {"latency_ms": ROOM * float(said.split()[2])}


def today() -> dict:
    """Return the keys of params.yaml with the recipe."""
    from sightline.common.params import load_params
    from sightline.experiments.keys import flatten
    from sightline.parameters.whole import WholeParams

    return flatten(load_params(WholeParams, str(REPOSITORY / "params.yaml")).model_dump(mode="json")) | RECIPE


def search(name: str, folder: Path, trials: int, limit: float) -> dict:
    """Return the values of the trial that is best on validation."""
    from optuna.storages import InMemoryStorage

    from sightline.images.store import read_dataset
    from sightline.tuning.limits import find_excess
    from sightline.tuning.loop import Search
    from sightline.tuning.loop import search as run_search
    from sightline.tuning.results import find_winner
    from sightline.tuning.search import quieten
    from sightline.tuning.settings import TuneParams, read_space
    from sightline.tuning.space import read_parameters
    from sightline.tuning.study import open_study, values_of

    quieten()
    space = read_space(str(REPOSITORY / "tuning/network.yaml")) if name == "searched" else RATE
    limits = {"latency_ms": limit} if name == "searched" else {}
    asked = {
        "study": "s",
        "objectives": ["val/accuracy"],
        "limits": limits,
        "space": space,
        "sampler": "tpe",
        "seed": 0,
    }
    asked |= {"pruner": "none", "prune_after": 1, "seeds": [], "trials": trials, "hours": 0.0, "jobs": 1, "threads": 1}
    settings = TuneParams.model_validate(asked | {"storage": "journal", "push": ""})
    parameters = read_parameters(settings.space)
    dataset = read_dataset(folder / "data/prepared")
    study = open_study(settings, parameters, today(), InMemoryStorage(), RECIPE["epochs"])
    runner = Trainings(folder)

    def excess(values: dict) -> str | None:
        asked = {key: value for key, value in values.items() if key.startswith(("model", "network", "head."))}
        work = partial(lambda: {"said": find_excess(values, settings.limits, dataset)})
        return keep(RESULTS / f"cost_{digest(asked)}.json", work)["said"] if settings.limits else None

    told = lambda trial: print(trial.number, trial.state.name, trial.values, values_of(trial), flush=True)  # noqa: E731
    run_search(Search(study, settings, parameters, today(), runner, lambda: False, told, 0.0, excess))
    return values_of(find_winner(study, settings))


class Trainings:
    """Starts trials, which have ended when they begin."""

    def __init__(self, folder: Path):
        self._folder = folder

    def start(self, name: str, values: dict, slot: int) -> "Training":
        """Train, or read what a training of these values came to before."""
        return Training(keep(RESULTS / f"trial_{digest(values)}.json", partial(validate, self._folder, values)))


class Training:
    """A trial that has ended."""

    def __init__(self, result: dict):
        self._result = result

    def status(self) -> int:
        return 0

    def curves(self) -> list[list[float]]:
        return []

    def values(self) -> list[float]:
        return [self._result["val"]]

    def epochs(self) -> int:
        return RECIPE["epochs"]


def validate(folder: Path, values: dict) -> dict:
    """Train, and return the best validation accuracy."""
    train(folder, RECIPE | values)
    return {"val": json.loads((folder / "metrics/train.json").read_text())["best"]["val"]["accuracy"]}


def judge(folder: Path, values: dict, seed: int) -> dict:
    """Train with a seed, and return the accuracy on test images."""
    train(folder, RECIPE | values | {"seed": seed})
    return {"test": accuracy_of(*load(folder)), "values": values}


def digest(values: dict) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


if __name__ == "__main__":
    main()
