"""Architecture search under a latency limit, against networks chosen by hand, on a part of CIFAR-10.

    python benchmarks/subsets.py cifar10 data/raw/cifar10.zip
    python benchmarks/search.py

The tuner's own code over tuning/network.yaml, with a runner that trains in this process instead of by experiments of
DVC. The limit is the latency of `cnn` as it is, which somebody might have chosen by hand; it, and timm's `resnet18`,
get as many trials over the same range of the learning rate. Validation chooses. Of what was searched the best is taken
that is not slower than `cnn`, both measured anew in turns. Each is then trained with seeds 0 to 4 and
judged on all test images. 400 training images a class, 100 for validation, 8 epochs, bf16. Results lie in
benchmarks/results/search, one file a training, so that it goes on where it was stopped; `--only cnn` measures a part.
"""

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from in_one_process import REPOSITORY, keep, mean_and_spread, prepare
from search_run import RECIPE, RESULTS, Trials, digest, judge

COUNTS = {"train": 400, "val": 100, "test": 200}  # a class
JUDGED = COUNTS | {"test": 1000}
WHOLE = REPOSITORY / "data/raw/cifar10.zip"  # with all test images
RATE = {"lr": {"low": 1e-3, "high": 2e-2, "log": True}}
BY_HAND = ("cnn", "resnet18")  # the first one's latency is the limit
SEARCHED = "searched"
TRIALS = 25
ROOM = 1.05  # latency is measured once before a trial, and not without noise
ROUNDS = 15  # of latencies that are compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", choices=[*BY_HAND, SEARCHED])
    options = parser.parse_args()
    runs = {}
    for name in [options.only] if options.only else [*BY_HAND, SEARCHED]:
        folder = RESULTS / f"run_{name}"
        prepare(folder, COUNTS)
        chosen = choose_searched(folder) if name == SEARCHED else search(name, RATE, {}, folder)[0]
        folder = RESULTS / f"judged_{name}"
        prepare(folder, JUDGED, archive=WHOLE)
        works = {seed: partial(judge, folder, chosen, seed) for seed in options.seeds}
        runs[name] = [keep(folder / f"{digest(chosen)}_{seed}.json", work) for seed, work in works.items()]
        print(f"| {name} | {mean_and_spread([run['test'] for run in runs[name]])} | {chosen}", flush=True)
    for name in BY_HAND if len(runs) > 1 else ():
        print(f"searched less {name}: {compare(runs[SEARCHED], runs[name])}")


def choose_searched(folder: Path) -> dict:
    """Return the best found network that is not slower than the one chosen by hand, measured in turns."""
    from sightline.tuning.settings import read_space

    hand = complete({"model": BY_HAND[0]})
    work = partial(time_in_turns, [hand], folder)
    limit = {"latency_ms": ROOM * statistics.median(keep(RESULTS / "limit.json", work)[0])}
    for found in search(SEARCHED, read_space(str(REPOSITORY / "tuning/network.yaml")), limit, folder):
        work = partial(time_in_turns, [hand, complete(found)], folder)
        times = keep(RESULTS / f"turns_{digest(found)}.json", work)
        medians = [statistics.median(own) for own in times]
        print(f"latency in turns: {BY_HAND[0]} {medians[0]:.4f} ms, {found} {medians[1]:.4f} ms", flush=True)
        if medians[1] <= medians[0]:
            return found
    raise SystemExit("nothing that was found is as fast as the network chosen by hand")


def time_in_turns(networks: list[dict], folder: Path) -> list[list[float]]:
    """Return the latencies of untrained networks in ms, one after the other in each round."""
    from sightline.experiments.keys import unflatten
    from sightline.images.store import read_dataset
    from sightline.parameters.whole import WholeParams
    from sightline.tuning.limits import list_measures

    dataset = read_dataset(folder / "data/prepared")
    params = [WholeParams.model_validate(unflatten(values)) for values in networks]
    measures = [list_measures(each, dataset)["latency_ms"] for each in params]
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [list(own) for own in zip(*rounds, strict=True)]


def complete(values: dict) -> dict:
    """Return the keys of params.yaml with the recipe and further values."""
    from sightline.common.params import load_params
    from sightline.experiments.keys import flatten
    from sightline.parameters.whole import WholeParams

    today = load_params(WholeParams, str(REPOSITORY / "params.yaml")).model_dump(mode="json")
    return flatten(today) | RECIPE | values


def search(name: str, space: dict, limits: dict, folder: Path) -> list[dict]:
    """Return the values of all trials, the best on validation first; a network chosen by hand begins the search."""
    from optuna.storages import InMemoryStorage
    from optuna.trial import TrialState

    from sightline.tuning.loop import Search
    from sightline.tuning.loop import search as run_search
    from sightline.tuning.search import quieten
    from sightline.tuning.settings import TuneParams
    from sightline.tuning.space import read_parameters
    from sightline.tuning.study import open_study, values_of

    quieten()
    asked = {"study": "s", "objectives": ["val/accuracy"], "limits": limits, "space": space, "sampler": "tpe"}
    asked |= {"seed": 0, "storage": "journal", "push": ""}
    asked |= {"pruner": "none", "prune_after": 1, "seeds": [], "trials": TRIALS, "hours": 0.0, "jobs": 1, "threads": 1}
    settings = TuneParams.model_validate(asked)
    parameters = read_parameters(settings.space)
    model = BY_HAND[0] if name == SEARCHED else name
    today = complete({"model": model})
    study = open_study(settings, parameters, today, InMemoryStorage(), RECIPE["epochs"])

    def tell(trial):
        print(name, trial.number, trial.state.name, trial.values, values_of(trial), flush=True)

    runner, excess = Trials(folder, model), watch(settings.limits, folder)
    run_search(Search(study, settings, parameters, today, runner, lambda: False, tell, 0.0, excess))
    ended = study.get_trials(states=(TrialState.COMPLETE,))
    ended.sort(key=lambda trial: (-trial.values[0], trial.number))
    return [{"model": model} | values_of(trial) for trial in ended]


def watch(limits: dict, folder: Path) -> Callable[[dict], str | None]:
    """Return what tells which limit a trial's network misses, the same after a restart."""
    from sightline.images.store import read_dataset
    from sightline.tuning.limits import find_excess

    dataset = read_dataset(folder / "data/prepared")

    def excess(values: dict) -> str | None:
        shape = {key: value for key, value in values.items() if key.startswith(("model", "network", "head."))}
        path = RESULTS / f"cost_{digest(shape)}.json"
        return keep(path, lambda: {"said": find_excess(values, limits, dataset)})["said"]

    return excess if limits else lambda values: None


def compare(searched: list[dict], hand: list[dict]) -> str:
    """Return the difference of accuracies: its 95 % interval over test images, of the seeds' mean; and of each seed."""
    right = [np.array([[int(one) for one in run["right"]] for run in runs]) for runs in (searched, hand)]
    gaps = (right[0] - right[1]).mean(axis=0)
    half = 1.96 * gaps.std(ddof=1) / len(gaps) ** 0.5
    seeds = ", ".join(f"{one['test'] - other['test']:+.4f}" for one, other in zip(searched, hand, strict=True))
    return f"{gaps.mean():+.4f} ({gaps.mean() - half:+.4f} to {gaps.mean() + half:+.4f}), by seed {seeds}"


if __name__ == "__main__":
    main()
