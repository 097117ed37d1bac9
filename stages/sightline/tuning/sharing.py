"""Experiments go to others, and into the workspace."""

import subprocess
from pathlib import Path

from optuna import Study
from optuna.trial import TrialState

from sightline.common.errors import SightlineError
from sightline.experiments.running import find_reason
from sightline.experiments.scores import find_experiment
from sightline.tuning.runs import names_of
from sightline.tuning.settings import TuneParams
from sightline.tuning.study import is_of

ASIDE = "refs/exps/apply/stash"  # where DVC puts changes that are not committed before it applies an experiment
NOT_CACHED = "Checkout failed"  # what DVC says when files of the commit are in no cache; all others are there by then


def push_trials(study: Study, settings: TuneParams, root: Path, pushed: set[str]) -> None:
    """Push this clone's trials that came to their end to the Git remote that `push` names, and their results to DVC's.

    Experiments in `pushed` are left out, and it gets the others. A remote that cannot be reached is told, and tried
    again after the next trial. DVC leaves alone what is there already.
    """
    if not settings.push:
        return
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    own = [trial.number for trial in ended if is_of(trial, root, settings.storage)]
    names = [name for number in own for name in names_of(f"{settings.study}-{number}", settings.seeds)]
    names = [name for name in names if name not in pushed]
    if not names:
        return
    done = _dvc(root, "exp", "push", settings.push, *names)
    if done.returncode:
        print(f"{', '.join(names)}: not pushed to {settings.push}: {find_reason(done.stdout)}")
    else:
        pushed.update(names)


def apply_trial(name: str, root: Path) -> bool:
    """Put an experiment into the workspace; tell whether DVC's cache has all of its results.

    Raises
    ------
    SightlineError
        It is not in this clone, or DVC cannot apply it.
    """
    if find_experiment(name, root) is None:
        raise SightlineError(
            f"{name}: no such experiment here: `dvc exp pull <Git remote> {name}` fetches another clone's"
        )
    done = _dvc(root, "exp", "apply", name)
    if done.returncode and NOT_CACHED not in done.stdout:
        raise SightlineError(f"{name}: not applied: {find_reason(done.stdout)}")
    return done.returncode == 0


def has_changes(root: Path) -> bool:
    """Tell whether files of Git are changed and not committed: `dvc exp apply` sets them aside, and does not say so."""
    return subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=root, check=False).returncode != 0


def _dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["dvc", "--wait-for-lock", *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
