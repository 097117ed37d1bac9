"""A trial as experiments of DVC, one a seed; and what a pruner is told of it."""

import pytest

from fake_runs import SETTINGS
from sightline.common.errors import SightlineError
from sightline.tuning import runs
from sightline.tuning.objectives import direction, last_stage, read_score
from sightline.tuning.reports import count_members, list_steps
from sightline.tuning.settings import TuneParams


class FakeExperiment:
    """An experiment that has ended when it is looked at for the second time."""

    def __init__(self, order, root):
        self.order = order
        self.looks = 0
        order.log.parent.mkdir(parents=True, exist_ok=True)
        order.log.write_text("")

    def status(self):
        self.looks += 1
        return 0 if self.looks > 1 else None

    def curves(self, score):
        return [[0.1 * self.order.values["seed"], 0.2]]

    def tidy(self, root):
        self.tidied = True


def settings_with(**changes):
    return TuneParams.model_validate(SETTINGS | changes)


def test_seeds_run_one_after_the_other_and_their_mean_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "start", FakeExperiment)
    monkeypatch.setattr(runs, "find_gpus", list)
    monkeypatch.setattr(runs, "find_experiment", lambda name, root: f"commit of {name}")
    scores = {"commit of s-4": 0.5, "commit of s-4-seed-7": 0.8}
    monkeypatch.setattr(runs, "read_value", lambda objective, commit, root: scores[commit])
    run = runs.DvcRunner(settings_with(seeds=[3, 7]), tmp_path).start("s-4", {"lr": 0.1}, 0)
    assert (run.status(), run.curves()) == (None, [[pytest.approx(0.3), 0.2]])
    assert run.status() is None
    assert run.curves() == [[pytest.approx(0.3), 0.2], [pytest.approx(0.7), 0.2]]
    assert (run.status(), run.status()) == (None, 0)
    assert run.values() == [pytest.approx(0.65)]
    assert list((tmp_path / "tuning/s/logs").iterdir()) == []


def test_an_order_has_the_trials_values_its_stage_and_its_share(tmp_path, monkeypatch):
    ordered = []
    monkeypatch.setattr(runs, "start", lambda order, root: ordered.append(order))
    monkeypatch.setattr(runs, "find_gpus", lambda: ["GPU-a", "GPU-b"])
    settings = settings_with(objectives=["val/loss", "macs"], jobs=2, threads=3)
    runs.DvcRunner(settings, tmp_path).start("s-0", {"lr": 0.1}, 1)
    (order,) = ordered
    assert (order.name, order.values, order.target) == ("s-0", {"lr": 0.1}, "export")
    assert order.environment["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    assert order.environment["OMP_NUM_THREADS"] == "3"


def test_steps_go_on_over_the_members_as_if_none_had_ended_early():
    curves = [[0.1, 0.2], [0.3]]
    steps = list(list_steps(curves, settings_with(pruner="median"), {"epochs": 4}, {"epochs": 9}, ended=False))
    assert steps == [(1, 0.1), (2, 0.2), (5, 0.3)]


@pytest.mark.parametrize(
    ("objective", "ended", "steps"),
    [
        ("val/accuracy", False, [(0, 0.4)]),
        ("val/accuracy", True, [(0, 0.4), (1, 0.3)]),
        ("val/loss", True, [(0, 0.1), (1, 0.3)]),
    ],
)
def test_wilcoxon_compares_the_best_of_each_finished_member(objective, ended, steps):
    settings = settings_with(pruner="wilcoxon", objectives=[objective])
    assert list(list_steps([[0.1, 0.4, 0.2], [0.3]], settings, {}, {"epochs": 4}, ended)) == steps


def test_members_are_architectures_times_folds_times_seeds():
    assert count_members({"model": ["cnn", "resnet18"], "folds": 5}, [0, 1, 2]) == 30
    assert count_members({"model": "cnn", "folds": 0}, []) == 1


def test_a_score_is_that_of_the_best_epoch_or_the_members_mean():
    assert read_score({"val": {"loss": 9.0}, "best": {"epoch": 3, "val": {"loss": 0.5}}}, "val/loss") == 0.5
    assert read_score({"best": {"mean": {"val": {"loss": 0.7}}, "std": {"val": {"loss": 0.1}}}}, "val/loss") == 0.7
    with pytest.raises(SightlineError, match=r"metrics/train.json: has no val/loss"):
        read_score({"best": {"epoch": 0}}, "val/loss")


def test_costs_and_losses_are_to_be_small_and_costs_need_export():
    assert [direction(objective) for objective in ("val/loss", "macs", "val/f1_macro")] == [
        "minimize",
        "minimize",
        "maximize",
    ]
    assert (last_stage(["val/loss", "val/accuracy"]), last_stage(["val/loss", "bytes"])) == ("train", "export")
