"""The search itself: a free job gets a trial at once, each epoch is looked at, and every trial is told how it ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState

from sightline.common.errors import SightlineError
from sightline.tuning.reports import list_steps
from sightline.tuning.runs import Run, Runner
from sightline.tuning.settings import TuneParams
from sightline.tuning.space import Parameter, Values
from sightline.tuning.study import EXCESS, ask, count_taken, enqueue_again, has_waiting
from sightline.tuning.today import refuse_values

POLL = 0.5  # s between two looks at what runs
ALIKE = 3  # trials in a row that fail alike before the study stops
MANY = 20  # that fail, or cost too much, in whatever way
EPOCHS, SECONDS, REASON = "epochs_trained", "seconds", "reason"  # what a trial's notes are called
DIVERGED = ": the loss became "  # how train's line about it goes: a bad trial, and no mistake


@dataclass
class Job:
    """A trial that runs in a slot, and the steps that have been reported of it."""

    trial: Trial
    values: Values
    run: Run
    slot: int
    begun: float
    reported: set[int] = field(default_factory=set)


@dataclass
class Search:
    """All that the loop needs.

    Parameters
    ----------
    study, settings : optuna.Study, TuneParams
        Where trials come from and are told, and the content of tune.yaml.
    parameters : list of Parameter
        The space.
    today : dict
        params.yaml as it was when the study began.
    runner : Runner
        What starts a trial.
    is_stopped : callable
        Whether the user asks for an end.
    told : callable
        Called with each trial that has ended.
    poll, excess : float, callable
        Seconds between two looks; and which limit the network of a trial's values misses, so that it is not trained.
    """

    study: Study
    settings: TuneParams
    parameters: list[Parameter]
    today: Values
    runner: Runner
    is_stopped: Callable[[], bool]
    told: Callable[[FrozenTrial], None]
    poll: float = POLL
    excess: Callable[[Values], str | None] = lambda values: None
    jobs: list[Job] = field(default_factory=list)
    left: int = 0  # how many in a row cost too much
    reasons: list[str] = field(default_factory=list)  # why the last ones failed, without one that did not between them


def search(state: Search) -> None:
    """Run trials until there are enough, the time is over, or the user asks for an end.

    Raises
    ------
    SightlineError
        Three trials in a row failed alike, or twenty in whatever way.
    """
    deadline = time.monotonic() + 3600 * state.settings.hours if state.settings.hours else float("inf")
    try:
        while not state.is_stopped():
            while not state.is_stopped() and time.monotonic() < deadline and may_begin(state):
                begin(state)
            if not state.jobs:
                return
            for job in list(state.jobs):
                look_after(job, state)
            time.sleep(state.poll)
    finally:
        give_back(state)


def may_begin(state: Search) -> bool:
    """Tell whether there is a free job and a trial for it."""
    if len(state.jobs) == state.settings.jobs or count_taken(state.study) >= state.settings.trials:
        return False
    return state.settings.sampler != "grid" or has_waiting(state.study)


def begin(state: Search) -> None:
    """Ask for a trial and start it; one whose values params.yaml refuses together has failed already."""
    trial, values = ask(state.study, state.parameters, state.today)
    slot = min(set(range(state.settings.jobs)) - {job.slot for job in state.jobs})
    name = f"{state.settings.study}-{trial.number}"
    try:
        refuse_values(state.today | values, name)
        excess = state.excess(state.today | values)
    except SightlineError as error:
        fail(trial, str(error).removeprefix(f"{name}: "), state)
        return
    state.left = state.left + 1 if excess else 0
    if excess:
        leave(trial, excess, state)
        return
    begun = time.monotonic()
    state.jobs.append(Job(trial, values, state.runner.start(name, values, slot), slot, begun))


def look_after(job: Job, state: Search) -> None:
    """Report the epochs that are over; give a trial up, or tell how it ended, where it is time to."""
    status = job.run.status()
    prunes = report(job, state, ended=status is not None)
    if status is None and not prunes:
        return
    state.jobs.remove(job)
    if status is None:
        job.run.stop()
        note(job)
        tell(job.trial, TrialState.PRUNED, None, state)
    elif status == 0:
        note(job)
        tell(job.trial, TrialState.COMPLETE, job.run.values(), state)
    elif DIVERGED in job.run.reason():
        note(job)
        job.trial.set_user_attr(REASON, job.run.reason())
        tell(job.trial, TrialState.PRUNED, None, state)
    else:
        fail(job.trial, job.run.reason(), state)


def report(job: Job, state: Search, ended: bool) -> bool:
    """Report what is new of a trial; tell whether it is to be given up."""
    if state.settings.pruner == "none":
        return False
    for step, value in list_steps(job.run.curves(), state.settings, job.values, state.today, ended):
        if step in job.reported:
            continue
        job.reported.add(step)
        job.trial.report(value, step)
        if not ended and job.trial.should_prune():
            return True
    return False


def note(job: Job) -> None:
    """Keep what a trial cost."""
    job.trial.set_user_attr(EPOCHS, job.run.epochs())
    job.trial.set_user_attr(SECONDS, round(time.monotonic() - job.begun, 1))


def tell(trial: Trial, how: TrialState, values: list[float] | None, state: Search) -> None:
    """Tell the study how a trial ended."""
    state.told(state.study.tell(trial, values, how))
    state.reasons.clear()


def leave(trial: Trial, excess: str, state: Search) -> None:
    """Tell the study that a trial's network costs too much; too many in a row end the search."""
    trial.set_user_attr(REASON, excess)
    trial.set_user_attr(EXCESS, True)
    state.told(state.study.tell(trial, state=TrialState.PRUNED))
    if state.left == MANY:
        raise SightlineError(f"{state.settings.study}: {MANY} trials in a row cost too much, the last one so: {excess}")


def fail(trial: Trial, reason: str, state: Search) -> None:
    """Tell the study that a trial failed; too many in a row end the search."""
    trial.set_user_attr(REASON, reason)
    state.told(state.study.tell(trial, state=TrialState.FAIL))
    state.reasons.append(reason)
    last = state.reasons[-ALIKE:]
    if len(last) == ALIKE and len(set(last)) == 1:
        raise SightlineError(f"{state.settings.study}: {ALIKE} trials in a row failed alike: {reason}")
    if len(state.reasons) == MANY:
        raise SightlineError(f"{state.settings.study}: {MANY} trials in a row failed, the last one so: {reason}")


def give_back(state: Search) -> None:
    """End what is at work, and let trials with the same values be the next: they go on with their states."""
    for job in state.jobs:
        job.run.interrupt()
    for job in state.jobs:
        job.trial.set_user_attr(REASON, "interrupted")
        enqueue_again(state.study, state.parameters, state.today, job.values)  # first: a kill in between loses nothing
        state.told(state.study.tell(job.trial, state=TrialState.FAIL))
    state.jobs.clear()
