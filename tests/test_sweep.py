"""The command itself: what it chooses, what it says before and after, and that two do not get in each other's way."""

from argparse import Namespace
from types import SimpleNamespace

import pytest
from filelock import FileLock

from sightline.common.errors import SightlineError
from sightline.sweeping.file import LimitsSection, SweepFile
from sightline.sweeping.journal import Run, append_run
from sightline.sweeping.plan import Cell
from sightline.sweeping.runner import Outcome
from sightline.sweeping.studies import Asked
from sweep import choose_cells, describe_plan, describe_total, finish, run
from sweep_repo import add_experiment, job_of, make_repository

SWEEP = SweepFile(
    data={"digits": {}, "cats": {}}, models={"cnn": {}, "vit": {}}, seeds=[0], jobs=1, tune=0, limits=LimitsSection()
)


def everything(cell):
    return True


@pytest.fixture
def agenda(tmp_path):
    """Four experiments, one of which has its result, one data set that is not there, one study."""
    make_repository(tmp_path)
    add_experiment(tmp_path, "digits-cnn-s0-1", age=1)
    jobs = [job_of(name) for name in ("digits-cnn-s0-1", "digits-vit-s0-1", "cats-cnn-s0-1", "cats-vit-s0-1")]
    blocked = {"cannot run: no dogs here": Cell("dogs", "cnn", 0, {})}
    study = Asked("digits_mlp_1", Cell("digits", "mlp", 0, {}), "tuning/small_cnn.yaml", 30)
    return SimpleNamespace(name_jobs=lambda: (jobs, blocked), studies=[study], params={})


def test_a_dry_run_tells_what_is_missing_and_how_long_it_takes(agenda, tmp_path):
    append_run(Run("", "digits", "vit", 100), tmp_path)
    append_run(Run("", "cats", "vit", 300), tmp_path)
    assert describe_plan(agenda, everything, 2, tmp_path) == [
        "tuning digits mlp: 30 trials first, of which earlier runs tell nothing",
        "digits vit seed 0: about 2 min",
        "cats cnn seed 0: no estimate",
        "cats vit seed 0: about 5 min",
        "3 of 4 experiments would run: about 5 min, and 1 of which earlier runs tell nothing, and those of 1 studies "
        "after them",
        "cannot run: no dogs here",
    ]
    assert describe_plan(agenda, lambda cell: cell.model == "vit" and cell.data == "cats", 1, tmp_path) == [
        "cats vit seed 0: about 5 min",
        "1 of 1 experiments would run: about 5 min",
    ]


def test_the_whole_takes_as_long_as_its_longest_experiment_and_nothing_is_made_up():
    assert describe_total([60, 40, 200, None], 2) == ": about 3 min, and 1 of which earlier runs tell nothing"
    assert describe_total([60, 40, 50], 2) == ": about 75 s"
    assert describe_total([None, None], 2) == ": 2 of which earlier runs tell nothing"
    assert describe_total([], 2) == ""


def test_names_on_the_command_line_choose_and_unknown_ones_are_one_line():
    is_chosen = choose_cells(SWEEP, Namespace(only=["cnn"], data=["cats"]))
    pairs = [(data, model) for data in SWEEP.data for model in SWEEP.models]
    assert [pair for pair in pairs if is_chosen(Cell(*pair, 0, {}))] == [("cats", "cnn")]
    assert all(choose_cells(SWEEP, Namespace(only=None, data=None))(Cell(*pair, 0, {})) for pair in pairs)
    with pytest.raises(SightlineError, match=r"^--only cn: sweep.yaml has no such name; there are cnn, vit$"):
        choose_cells(SWEEP, Namespace(only=["cn"], data=None))


def test_a_second_sweep_in_the_same_repository_is_refused(agenda, tmp_path):
    (tmp_path / ".sweep").mkdir()
    with (
        FileLock(tmp_path / ".sweep/lock"),
        pytest.raises(SightlineError, match=r"^\.sweep/lock: another sweep works here: wait for it$"),
    ):
        run(agenda, everything, 1, tmp_path)


def test_what_went_wrong_is_told_at_the_end_with_status_1():
    finish(Outcome(), [])
    outcome = Outcome({"digits cnn seed 0": "no luck (log)"}, {"cats": "fails in split"}, "interrupted")
    with pytest.raises(SystemExit) as ended:
        finish(outcome, ["no model fits"])
    assert ended.value.code.splitlines() == [
        "failed: digits cnn seed 0: no luck (log)",
        "not tried: other models on cats: it fails in split",
        "no model fits",
        "stopped: interrupted: `make sweep` goes on",
    ]
