"""Let the tuner of `make tune` search for a model of a sweep; it needs the packages of requirements-tune.txt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from sightline.common.errors import SightlineError
from sightline.experiments.keys import flatten
from sightline.sweeping.studies import Asked
from sightline.tuning.loop import Search, search
from sightline.tuning.reports import count_members
from sightline.tuning.results import find_winner, write_results
from sightline.tuning.runs import DvcRun, DvcRunner
from sightline.tuning.search import quieten
from sightline.tuning.settings import HERE, TuneParams, load_settings, read_space
from sightline.tuning.space import Values, read_parameters
from sightline.tuning.storage import open_storage, working_alone
from sightline.tuning.study import open_study, values_of
from sightline.tuning.takeover import refuse_remains, take_over
from sightline.tuning.today import refuse_idle, refuse_space


class CellRunner:
    """Starts trials that carry the keys of an experiment of the sweep besides their own."""

    def __init__(self, runner: DvcRunner, values: dict[str, Any]):
        self._runner = runner
        self._values = values

    def start(self, name: str, values: Values, slot: int) -> DvcRun:
        return self._runner.start(name, self._values | values, slot)


def run_study(asked: Asked, params: dict, jobs: int, root: Path, is_stopped: Callable[[], bool]) -> None:
    """Run the trials of a study that are not over, and note the winner; one that is stopped goes on another time.

    Raises
    ------
    SightlineError
        The space is wrong, trials fail alike, or none comes to its end.
    """
    quieten()
    settings = settings_of(asked, jobs)
    today = flatten(params) | asked.cell.values
    parameters = read_parameters(settings.space)
    refuse_space(parameters, today)
    refuse_idle(parameters, settings.objectives)
    with working_alone(settings):
        epochs = today["epochs"] * count_members(today, [])
        storage = open_storage(settings)
        refuse_remains(settings, storage, root)
        study = open_study(settings, parameters, today, storage, epochs)

        def tell(trial: FrozenTrial) -> None:
            write_results(study, settings)

        for trial in take_over(study, settings, parameters, today, root):
            tell(trial)
        runner = CellRunner(DvcRunner(settings, root), asked.cell.values)
        search(Search(study, settings, parameters, today, runner, is_stopped, tell))
        if is_stopped():
            return
        winner = find_winner(study, settings)
        if winner is None:
            raise SightlineError(f"no trial has come to its end: tuning/{asked.name}/trials.csv tells why")
        asked.write(values_of(winner), root)


def settings_of(asked: Asked, jobs: int) -> TuneParams:
    """Return tune.yaml with the study's name, space and number of trials, kept in a file of this machine."""
    settings = load_settings()
    own = {
        "study": asked.name,
        "space": read_space(asked.space),
        "trials": asked.trials,
        "jobs": jobs,
        "seeds": [],
        "storage": HERE,
        "push": "",
        "hours": 0.0,
        "objectives": settings.objectives[:1],
    }
    return settings.model_copy(update=own)
