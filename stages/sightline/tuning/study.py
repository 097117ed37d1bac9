"""The study in its storage: made once, refused where what it asks has changed, gone on with after a kill."""

import json
import random
import socket
import time
from pathlib import Path
from typing import Any

from optuna import Study, Trial, create_study, load_study
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from sightline.common.errors import SightlineError
from sightline.tuning.objectives import direction, keys_read
from sightline.tuning.search import make_pruner, make_sampler
from sightline.tuning.settings import FILE, HERE, TuneParams
from sightline.tuning.space import Parameter, Values, label_fixed, list_grid, suggest

ASKED = "asked"  # what the study is about: it must not change
READY = "ready"  # its first trials have been enqueued
FIXED = "fixed"  # of a trial: the values that its sampler did not choose
VALUES = "values"  # of a trial: what it was run with
PLACE = "place"  # of a trial: machine and clone
EXCESS = "excess"  # of a trial: which limit its network misses, so that it was not trained
ENDED = {TrialState.COMPLETE, TrialState.PRUNED}
PATIENCE = 60.0  # s for another machine to enqueue the first trials


def describe_question(settings: TuneParams, parameters: list[Parameter], today: Values) -> dict[str, Any]:
    """Return what all trials of a study have in common, as plain values.

    Returns
    -------
    dict
        objectives, seeds; space: each parameter's name and entry; today: its keys as they are in params.yaml;
        params.yaml: the other keys that a stage of a trial reads.
    """
    searched = {parameter.key for parameter in parameters}
    entries = {
        parameter.name: parameter.entry.model_dump(mode="json", exclude_defaults=True, exclude={"points"})
        for parameter in parameters
    }
    read = keys_read(settings.objectives)
    others = {key: value for key, value in today.items() if key not in searched and key.partition(".")[0] in read}
    kept = {key: today[key] for key in sorted(searched)}
    return {
        "objectives": settings.objectives,
        "seeds": settings.seeds,
        **({"limits": settings.limits} if settings.limits else {}),
        "space": entries,
        "params.yaml": others,
        "today": kept,
    }


def open_study(
    settings: TuneParams, parameters: list[Parameter], today: Values, storage: BaseStorage, epochs: int
) -> Study:
    """Make the study, or open the one of this name.

    Raises
    ------
    SightlineError
        The one of this name asks something else.
    """
    question = describe_question(settings, parameters, today)
    directions = [direction(objective) for objective in settings.objectives]
    pruner = make_pruner(settings, epochs)
    patience = 0.0 if settings.storage == HERE else PATIENCE
    try:
        study = create_study(storage=storage, study_name=settings.study, directions=directions, pruner=pruner)
    except DuplicatedStudyError:
        study = load_study(study_name=settings.study, storage=storage, pruner=pruner)
        _wait_for(study, READY, patience)
    asked = json.loads(study.user_attrs.get(ASKED, "null")) or json.loads(json.dumps(question))
    refuse_other_question(asked, question, settings.study)
    if READY not in study.user_attrs:
        study.set_user_attr(ASKED, json.dumps(asked, sort_keys=True))
        _enqueue_first(study, settings, parameters, today | asked["today"])
        study.set_user_attr(READY, True)
    place = "" if settings.storage == HERE else name_place(Path.cwd())
    study.sampler = make_sampler(settings, len(study.get_trials(deepcopy=False)), place)
    return study


def refuse_other_question(asked: dict[str, Any], question: dict[str, Any], study: str) -> None:
    """Raise SightlineError when a study was begun with another question, naming what differs."""
    for topic in ("objectives", "limits", "seeds", "space", "params.yaml"):
        before, now = asked.get(topic), json.loads(json.dumps(question.get(topic)))
        if before == now:
            continue
        key, was, is_now = _first_difference(before, now)
        where = topic if topic == "params.yaml" else f"{FILE}: {topic}"
        raise SightlineError(
            f"{where}: {key}was {was} when the study {study} began and is {is_now}: "
            f"change it back, or give the study another name"
        )


def ask(study: Study, parameters: list[Parameter], today: Values) -> tuple[Trial, Values]:
    """Begin a trial: return it, and the value of each key of the space in it."""
    trial = study.ask()
    trial.set_user_attr(PLACE, name_place(Path.cwd()))
    fixed = trial.user_attrs.get(FIXED)
    values = suggest(trial, parameters, today, json.loads(fixed) if fixed else None)
    trial.set_user_attr(VALUES, json.dumps(values))
    return trial, values


def enqueue(study: Study, parameters: list[Parameter], today: Values, values: Values) -> None:
    """Let a trial with these values be the next one."""
    study.enqueue_trial(label_fixed(parameters, today | values), user_attrs={FIXED: json.dumps(values)})


def enqueue_again(study: Study, parameters: list[Parameter], today: Values, values: Values) -> None:
    """Let a trial that was interrupted be the next one, unless a run that was killed here has enqueued it already."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if values not in [_fixed_of(trial) for trial in waiting]:
        enqueue(study, parameters, today, values)


def read_question(study: Study) -> dict[str, Any]:
    """Return what a study is about, as `describe_question` made it when it began."""
    return json.loads(study.user_attrs[ASKED])


def values_of(trial: FrozenTrial) -> Values:
    """Return the keys and values that a trial was run with, or, where it was not yet, is to be; else nothing."""
    return json.loads(trial.user_attrs.get(VALUES) or trial.user_attrs.get(FIXED) or "{}")


def is_of(trial: FrozenTrial, root: Path, storage: str) -> bool:
    """Tell whether a tuner of this clone began a trial; of a study that no other machine knows it is any."""
    return trial.user_attrs.get(PLACE, name_place(root) if storage == HERE else "") == name_place(root)


def name_place(root: Path) -> str:
    """Return what tells this clone on this machine from any other."""
    return f"{socket.gethostname()}:{root.resolve()}"


def _enqueue_first(study: Study, settings: TuneParams, parameters: list[Parameter], today: Values) -> None:
    """Let params.yaml as it was when the study began be the first trial, and the points of a grid follow."""
    first = {parameter.key: today[parameter.key] for parameter in parameters}
    points = list(list_grid(parameters, today)) if settings.sampler == "grid" else []
    random.Random(settings.seed).shuffle(points)  # part of a grid then says something about all of it
    known = [_fixed_of(trial) for trial in study.get_trials(deepcopy=False)]
    for values in [first, *(point for point in points if point != first)]:
        if values not in known:
            enqueue(study, parameters, today, values)


def _fixed_of(trial: FrozenTrial) -> Values | None:
    fixed = trial.user_attrs.get(FIXED)
    return json.loads(fixed) if fixed else None


def _wait_for(study: Study, attribute: str, patience: float) -> None:
    """Wait until whoever made the study has noted something about it, or for so many seconds."""
    begun = time.monotonic()
    while attribute not in study.user_attrs and time.monotonic() - begun < patience:
        time.sleep(0.2)


def _first_difference(before: Any, now: Any) -> tuple[str, Any, Any]:
    """Return the first key that differs, with a colon, and both values; of what is no dictionary, no key."""
    if not isinstance(before, dict):
        return "", before, now
    keys = [*before, *(key for key in now if key not in before)]
    key = next(key for key in keys if before.get(key) != now.get(key))
    return f"{key}: ", before.get(key, "not there"), now.get(key, "not there")


def count_taken(study: Study) -> int:
    """Return how many trials have come to an end, or are running anywhere: failed and untrained ones do not count."""
    states = (*ENDED, TrialState.RUNNING)
    return sum(EXCESS not in trial.user_attrs for trial in study.get_trials(deepcopy=False, states=states))


def has_waiting(study: Study) -> bool:
    """Tell whether trials have been enqueued that nobody has taken yet."""
    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
