"""What a study has found, as files: every trial, what mattered, and the winner."""

from pathlib import Path
from typing import Any

import pandas as pd
from optuna import Study
from optuna.importance import get_param_importances
from optuna.trial import FrozenTrial, TrialState

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, write_json, write_table
from sightline.tuning.loop import EPOCHS, REASON, SECONDS
from sightline.tuning.objectives import direction
from sightline.tuning.settings import TuneParams
from sightline.tuning.study import values_of

TRIALS = "trials.csv"
WINNER = "winner.json"
IMPORTANCES = "importances.csv"
LEAST = 4  # trials with a value before importances say anything


def tabulate_trials(study: Study, settings: TuneParams) -> pd.DataFrame:
    """Return one row a trial that was begun: trial, experiment, state, objectives, epochs, seconds, reason, keys.

    The value of a trial that was given up is that of its last epoch.
    """
    begun = [trial for trial in study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]
    table = pd.DataFrame([_row(trial, settings) for trial in begun])
    return table.astype({EPOCHS: "Int64"}) if len(table) else table


def find_winner(study: Study, settings: TuneParams) -> FrozenTrial | None:
    """Return the best trial that came to its end; of several objectives the first one's best, if there is any."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    better = 1 if direction(settings.objectives[0]) == "maximize" else -1
    return max(ended, key=lambda trial: (better * trial.values[0], -trial.number), default=None)


def describe_winner(study: Study, settings: TuneParams) -> dict[str, Any] | None:
    """Return the content of winner.json; with several objectives also the trials that none beats in all of them."""
    winner = find_winner(study, settings)
    if winner is None:
        return None
    front = study.best_trials if len(settings.objectives) > 1 else []
    return {
        "study": settings.study,
        "trial": winner.number,
        "experiment": f"{settings.study}-{winner.number}",
        "objectives": dict(zip(settings.objectives, winner.values, strict=True)),
        "values": values_of(winner),
        "front": [f"{settings.study}-{trial.number}" for trial in front],
    }


def rank_importances(study: Study) -> pd.DataFrame:
    """Return columns key and importance, which sum up to 1, the most important first; no row while trials are few.

    PED-ANOVA of Watanabe, Bansal and Hutter, 2023, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
    Arbitrary Subspaces": how much the best trials' values of a key differ from those of all.
    """
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    varied = {name for trial in ended for name in trial.params}
    several = len(ended) >= LEAST and len(study.directions) == 1 and varied
    found = get_param_importances(study) if several else {}
    return pd.DataFrame(sorted(found.items(), key=lambda item: -item[1]), columns=["key", "importance"])


def write_results(study: Study, settings: TuneParams) -> None:
    """Write trials.csv and, as soon as there is one, winner.json."""
    write_table(settings.folder / TRIALS, tabulate_trials(study, settings))
    winner = describe_winner(study, settings)
    if winner:
        write_json(settings.folder / WINNER, winner)


def read_winner(folder: Path) -> dict[str, Any]:
    """Read winner.json."""
    path = folder / WINNER
    if not path.exists():
        raise SightlineError(f"{path}: not there: run `make tune` first")
    return read_json(path)


def _row(trial: FrozenTrial, settings: TuneParams) -> dict[str, Any]:
    values = trial.values or [None] * len(settings.objectives)
    notes = {name: trial.user_attrs.get(name) for name in (EPOCHS, SECONDS, REASON)}
    head = {"trial": trial.number, "experiment": f"{settings.study}-{trial.number}", "state": trial.state.name.lower()}
    return head | dict(zip(settings.objectives, values, strict=True)) | notes | values_of(trial)
