"""A run of `make tune` but for DVC: trials that take an epoch a look, and the settings of a small search."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sightline.tuning.loop import Search, search
from sightline.tuning.search import quieten
from sightline.tuning.settings import TuneParams
from sightline.tuning.space import read_parameters
from sightline.tuning.storage import open_storage
from sightline.tuning.study import open_study, read_question
from sightline.tuning.takeover import take_over
from sightline.tuning.today import read_today, refuse_space

SETTINGS = {
    "study": "s",
    "objectives": ["val/accuracy"],
    "space": {"lr": {"low": 1e-4, "high": 1e-1, "log": True}},
    "sampler": "random",
    "seed": 0,
    "pruner": "none",
    "prune_after": 1,
    "seeds": [],
    "trials": 4,
    "hours": 0.0,
    "jobs": 1,
    "threads": 0,
    "storage": "journal",
    "push": "",
}


@dataclass
class FakeRun:
    """A trial whose curve shows one epoch more at each look."""

    curve: list[float]
    results: list[float]
    failure: str = ""
    seen: int = 0
    ended: str = ""

    def status(self):
        self.seen += 1
        if self.seen < len(self.curve):
            return None
        return 1 if self.failure else 0

    def curves(self):
        return [self.curve[: self.seen]]

    def values(self):
        return self.results

    def epochs(self):
        return min(self.seen, len(self.curve))

    def reason(self):
        return self.failure

    def stop(self):
        self.ended = "stopped"

    def interrupt(self):
        self.ended = "interrupted"


@dataclass
class FakeRunner:
    """Starts trials by a function of their values, and remembers them: name, values, slot, run."""

    make: object
    begun: list = field(default_factory=list)
    most: int = 0

    def start(self, name, values, slot):
        run = self.make(values)
        self.begun.append((name, values, slot, run))
        running = [other for *_, other in self.begun if other.seen < len(other.curve) and not other.ended]
        self.most = max(self.most, len(running))
        return run


@dataclass
class Tuner:
    """A whole run of `make tune` but for DVC: settings, study and what was told."""

    settings: TuneParams
    told: list = field(default_factory=list)
    excess: Callable = lambda values: None

    def open(self):
        quieten()
        today = read_today()
        parameters = read_parameters(self.settings.space)
        refuse_space(parameters, today)
        study = open_study(self.settings, parameters, today, open_storage(self.settings), epochs=4)
        return study, parameters, today | read_question(study)["today"]

    def run(self, make, is_stopped=lambda: False):
        study, parameters, today = self.open()
        runner = FakeRunner(make)
        search(Search(study, self.settings, parameters, today, runner, is_stopped, self.told.append, 0.0, self.excess))
        return study, runner

    def take_over(self, root):
        study, parameters, today = self.open()
        return study, take_over(study, self.settings, parameters, today, root)
