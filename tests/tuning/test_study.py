"""A study that is gone on with: after a kill, with another question, from two machines, on a damaged or full disk."""

import csv
import errno
import json
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from optuna.trial import TrialState

from fake_runs import FakeRun
from sightline.common.errors import SightlineError
from sightline.tuning import takeover
from sightline.tuning.results import write_results
from sightline.tuning.storage import open_storage, working_alone
from sightline.tuning.study import ask
from sweep_repo import add_experiment, make_repository


def quick(values):
    return FakeRun([0.5], [values["lr"]])


@pytest.fixture
def killed(tuner):
    """A tuner that was killed while two trials ran: the first is params.yaml."""
    one = tuner(trials=4)
    study, parameters, today = one.open()
    for _ in range(2):
        ask(study, parameters, today)
    return one


@pytest.fixture
def world(monkeypatch):
    """Git and processes as the takeover sees them: experiments that are there, and those that were ended."""
    there, ended = {}, []
    monkeypatch.setattr(takeover, "find_experiment", lambda name, root: there.get(name))
    monkeypatch.setattr(takeover, "end_orphan", lambda name, root: ended.append(name))
    monkeypatch.setattr(takeover, "read_values", lambda commits, objectives, root: [0.9])
    monkeypatch.setattr(takeover, "count_epochs", lambda commit, root: 4)
    return there, ended


def test_a_trial_that_was_running_is_ended_told_failed_and_begun_again(killed, world, workspace):
    _, told = killed.take_over(workspace)
    assert world[1] == ["s-0", "s-1"]
    assert [trial.state for trial in told] == [TrialState.FAIL, TrialState.FAIL]
    _, runner = killed.run(quick)
    wanted = [json.loads(trial.user_attrs["values"]) for trial in told]
    assert [values for _, values, *_ in runner.begun[:2]] == wanted
    assert len(runner.begun) == 4


def test_a_kill_between_enqueueing_again_and_telling_repeats_no_trial(killed, world, workspace, monkeypatch):
    """The second takeover finds the first trial waiting once more already."""
    study, *_ = killed.open()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(study), "tell", interrupt)
        killed.take_over(workspace)
    killed.take_over(workspace)
    study, *_ = killed.open()
    waiting = [trial.user_attrs["fixed"] for trial in study.trials if trial.state == TrialState.WAITING]
    assert waiting == [trial.user_attrs["values"] for trial in study.trials[:2]]


def interrupt(*arguments, **named):
    raise KeyboardInterrupt


def test_a_trial_that_ended_meanwhile_counts(killed, world, workspace):
    world[0]["s-1"] = "abc123"
    study, told = killed.take_over(workspace)
    assert [trial.state for trial in told] == [TrialState.FAIL, TrialState.COMPLETE]
    assert (study.trials[1].value, study.trials[1].user_attrs["epochs_trained"]) == (0.9, 4)
    write_results(study, killed.settings)
    rows = csv.DictReader(Path("tuning/s/trials.csv").read_text().splitlines())
    assert [row["epochs_trained"] for row in rows] == ["", "4"]
    _, runner = killed.run(quick)
    assert len(runner.begun) == 3


def test_another_clones_trials_are_left_alone(killed, world, tmp_path_factory, workspace):
    assert killed.take_over(tmp_path_factory.mktemp("other"))[1] == []
    assert len(killed.take_over(workspace)[1]) == 2


@pytest.mark.parametrize(
    ("changes", "params", "line"),
    [
        ({"space": {"lr": {"low": 1e-3, "high": 1e-1, "log": True}}}, {}, "tune.yaml: space: lr: was "),
        ({"space": {"l1": {"low": 0.0, "high": 0.1}}}, {}, "tune.yaml: space: lr: was "),
        ({"objectives": ["val/loss"]}, {}, "tune.yaml: objectives: was ['val/accuracy'] when the study s began"),
        ({}, {"epochs": 7}, "params.yaml: epochs: was 20 when the study s began and is 7: change it back, or"),
    ],
)
def test_another_question_is_refused(tuner, set_params, changes, params, line):
    tuner(trials=1).run(quick)
    set_params(**params)
    with pytest.raises(SightlineError, match=r"^[^\n]*give the study another name$") as caught:
        tuner(**changes).open()
    assert line in str(caught.value)


def test_what_was_applied_and_another_sampler_are_no_other_question(tuner, set_params):
    tuner(trials=1).run(quick)
    set_params(lr=0.05, **{"gradcam.images": 3})  # a stage that no trial runs
    _, runner = tuner(trials=2, sampler="tpe", pruner="median", jobs=3).run(quick)
    assert len(runner.begun) == 1


def test_an_unfinished_line_of_the_journal_is_dropped(tuner):
    one = tuner(trials=2)
    one.run(quick)
    journal = one.settings.folder / "journal.log"
    journal.write_bytes(journal.read_bytes() + b'{"op_code": 4, "wor')
    study, runner = tuner(trials=3).run(quick)
    assert len(runner.begun) == 1
    assert len(study.trials) == 3


def test_a_full_disk_ends_all_and_nothing_is_lost(tuner, monkeypatch):
    """The table cannot be written when the third trial is told; with room again, the study goes on."""
    one = tuner(trials=5)
    told = []

    def tell(trial):
        told.append(trial)
        if len(told) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", "tuning/s/trials.csv")

    one.told = SimpleNamespace(append=tell)
    with pytest.raises(OSError, match="No space left"):
        one.run(quick)
    again = tuner(trials=5)
    study, runner = again.run(quick)
    assert sum(trial.state == TrialState.COMPLETE for trial in study.trials) == 5
    assert len(runner.begun) == 2


def test_a_study_does_not_begin_among_experiments_of_its_name(tuner, workspace):
    make_repository(workspace)
    for name in ("other-0", "s-cnn-s0-12345678", "s-2-seed-1", "s-2"):
        add_experiment(workspace, name, age=1)
    one = tuner()
    storage = open_storage(one.settings)
    with pytest.raises(SightlineError, match=r"give it another name, or delete them: dvc exp remove s-2 s-2-seed-1$"):
        takeover.refuse_remains(one.settings, storage, workspace)
    one.open()  # a study that has begun goes on
    takeover.refuse_remains(one.settings, storage, workspace)


def test_a_folder_that_is_removed_meanwhile_ends_all_in_a_line(tuner):
    one = tuner(trials=2)
    with (
        pytest.raises(SightlineError, match=r"^tuning/s: removed while the search ran, which ends it$"),
        working_alone(one.settings),
    ):
        one.run(lambda values: shutil.rmtree("tuning/s") or quick(values))


@pytest.mark.parametrize(
    ("storage", "line"),
    [
        ("postgresql+psycopg://me:secret@127.0.0.1:1/db", "postgresql+psycopg://me:***@127.0.0.1:1/db cannot be used"),
        ("nonsense", "tune.yaml: storage: must be journal, or like postgresql+psycopg://user@host/database"),
        ("oracle9://host/db", "tune.yaml: storage: must be journal, or like"),
    ],
)
def test_a_storage_that_cannot_be_reached_is_one_line_without_a_password(tuner, storage, line):
    from sightline.tuning.storage import naming_storage

    one = tuner(storage=storage)
    with pytest.raises(SightlineError) as caught, naming_storage(storage):
        one.open()
    assert line in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_two_tuners_of_one_database_share_the_trials(tuner, workspace):
    """Two threads, each with connections of its own: every trial once, and at most one more than asked for."""
    storage = f"sqlite:///{workspace}/study.db?timeout=30"
    tuner(storage=storage, trials=1).run(quick)
    names = []

    def work():
        _, runner = tuner(storage=storage, trials=6).run(quick)
        names.extend(name for name, *_ in runner.begun)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == len(set(names))
    assert len(names) in (5, 6)
