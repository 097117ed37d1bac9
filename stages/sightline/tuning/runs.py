"""How a trial is run: an experiment of DVC for each seed, one after the other, watched epoch by epoch."""

from pathlib import Path
from statistics import mean
from typing import Protocol

from sightline.common.errors import SightlineError
from sightline.experiments.order import Order
from sightline.experiments.scores import find_experiment
from sightline.experiments.shares import find_gpus, share
from sightline.experiments.start import start
from sightline.tuning.objectives import count_epochs, last_stage, read_value
from sightline.tuning.reports import Curves
from sightline.tuning.settings import TuneParams
from sightline.tuning.space import Values

LOGS = "logs"


class Run(Protocol):
    """A trial that runs; tests and benchmarks have others."""

    def status(self) -> int | None:
        """Return its exit status, or None while it runs."""

    def curves(self) -> Curves:
        """Return the first objective's value after each epoch so far: a list a member of each seed, in order."""

    def values(self) -> list[float]:
        """Return what each objective came to, when it has ended well."""

    def epochs(self) -> int:
        """Return how many epochs it has trained, over all members and seeds."""

    def reason(self) -> str:
        """Return in one line why it failed."""

    def stop(self) -> None:
        """End it for good."""

    def interrupt(self) -> None:
        """End it so that one with the same values goes on where it was."""


class Runner(Protocol):
    """Starts trials."""

    def start(self, name: str, values: Values, slot: int) -> Run:
        """Start a trial that has this part of the machine to itself."""


class DvcRun:
    """A trial as experiments of DVC.

    Parameters
    ----------
    orders : list of Order
        What is to be run, one after the other.
    objectives : list of str
        What is to become best.
    root : Path
        Root of the repository.
    """

    def __init__(self, orders: list[Order], objectives: list[str], root: Path):
        self._waiting = orders[1:]
        self._objectives = objectives
        self._root = root
        self._commits: dict[str, str] = {}  # experiment that has ended -> its commit
        self._before: Curves = []  # of those
        self._now: Curves = []
        self._running = start(orders[0], root)

    def status(self) -> int | None:
        status = self._running.status()
        if status is None:
            return None
        self._running.tidy(self._root)
        if status != 0:
            return status
        self._collect()
        if not self._waiting:
            return 0
        self._running = start(self._waiting.pop(0), self._root)
        return None

    def curves(self) -> Curves:
        if self._running.order.name not in self._commits:
            self._now = self._running.curves(self._objectives[0]) or self._now
        return self._before + self._now

    def values(self) -> list[float]:
        return read_values(list(self._commits.values()), self._objectives, self._root)

    def epochs(self) -> int:
        before = sum(count_epochs(commit, self._root) for commit in self._commits.values())
        return before + sum(map(len, self._now))

    def reason(self) -> str:
        return self._running.reason()

    def stop(self) -> None:
        self._running.stop(self._root)
        self._forget_log()

    def interrupt(self) -> None:
        self._running.interrupt(self._root)
        self._forget_log()

    def _collect(self) -> None:
        """Note the commit of the experiment that has ended well; its log is of no further use."""
        order = self._running.order
        commit = find_experiment(order.name, self._root)
        if commit is None:
            raise SightlineError(f"{order.log}: DVC ended well, but there is no experiment {order.name}")
        self._commits[order.name] = commit
        self._before, self._now = self._before + self._now, []
        self._forget_log()

    def _forget_log(self) -> None:
        """Remove the log of an experiment that did not fail."""
        self._running.order.log.unlink(missing_ok=True)


class DvcRunner:
    """Starts trials as experiments of DVC.

    Parameters
    ----------
    settings : TuneParams
        The content of tune.yaml.
    root : Path
        Root of the repository.
    """

    def __init__(self, settings: TuneParams, root: Path):
        self._settings = settings
        self._root = root
        self._gpus = find_gpus()

    def start(self, name: str, values: Values, slot: int) -> DvcRun:
        """Start the experiments of a trial."""
        settings = self._settings
        logs = self._root / settings.folder / LOGS
        environment = share(slot, settings.jobs, settings.threads, self._gpus)
        target = last_stage(settings.objectives)
        orders = [
            Order(each, values | seed, target, logs / f"{each}.log", environment)
            for each, seed in zip(names_of(name, settings.seeds), seeds_of(settings.seeds), strict=True)
        ]
        return DvcRun(orders, settings.objectives, self._root)


def names_of(name: str, seeds: list[int]) -> list[str]:
    """Return the experiments of a trial: the first has its name, the others also tell their seeds."""
    return [name, *(f"{name}-seed-{seed}" for seed in seeds[1:])]


def seeds_of(seeds: list[int]) -> list[Values]:
    """Return what each experiment of a trial changes besides: nothing where params.yaml's own seed counts."""
    return [{"seed": seed} for seed in seeds] or [{}]


def read_values(commits: list[str], objectives: list[str], root: Path) -> list[float]:
    """Return each objective's mean over the experiments of a trial."""
    return [mean(read_value(objective, commit, root) for commit in commits) for objective in objectives]
