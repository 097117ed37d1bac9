"""What a tuner that was killed has left: trials that still run, that ended without being told, or that were lost."""

import re
from pathlib import Path

from optuna import Study, get_all_study_names
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sightline.common.errors import SightlineError
from sightline.experiments.orphans import end_orphan
from sightline.experiments.scores import find_experiment, list_experiments
from sightline.tuning.loop import EPOCHS, REASON
from sightline.tuning.objectives import count_epochs
from sightline.tuning.runs import names_of, read_values
from sightline.tuning.settings import TuneParams
from sightline.tuning.space import Parameter, Values
from sightline.tuning.study import enqueue_again, is_of, values_of


def refuse_remains(settings: TuneParams, storage: BaseStorage, root: Path) -> None:
    """Raise SightlineError when a study is to begin whose experiments are there: its folder was removed, say.

    DVC would refuse each trial, since its name is taken, when it has trained.
    """
    if settings.study in get_all_study_names(storage):
        return
    pattern = re.compile(rf"{re.escape(settings.study)}-\d+(-seed-\d+)?")
    names = sorted({name for _, name in list_experiments(root) if pattern.fullmatch(name)})
    if names:
        raise SightlineError(
            f"{settings.study}: the study is to begin, but has experiments already, which would be in its way: give it "
            f"another name, or delete them: dvc exp remove {' '.join(names)}"
        )


def take_over(
    study: Study, settings: TuneParams, parameters: list[Parameter], today: Values, root: Path
) -> list[FrozenTrial]:
    """Tell the study of the trials that a tuner of this clone began and did not tell; return these trials.

    One whose experiments are all there has ended well. Of any other the process is ended, it is told failed, and one
    with the same values is the next: its training goes on where it was.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    left = [trial for trial in running if is_of(trial, root, settings.storage)]
    return [_settle(trial, study, settings, parameters, today, root) for trial in left]


def _settle(
    trial: FrozenTrial, study: Study, settings: TuneParams, parameters: list[Parameter], today: Values, root: Path
) -> FrozenTrial:
    names = names_of(f"{settings.study}-{trial.number}", settings.seeds)
    for name in names:
        end_orphan(name, root)
    commits = [find_experiment(name, root) for name in names]
    if None not in commits:
        _note(study, trial, EPOCHS, sum(count_epochs(commit, root) for commit in commits))
        return study.tell(trial.number, read_values(commits, settings.objectives, root), TrialState.COMPLETE)
    _note(study, trial, REASON, "interrupted")
    if values_of(trial):
        enqueue_again(study, parameters, today, values_of(trial))
    return study.tell(trial.number, state=TrialState.FAIL)


def _note(study: Study, trial: FrozenTrial, name: str, value: object) -> None:
    study._storage.set_trial_user_attr(trial._trial_id, name, value)
