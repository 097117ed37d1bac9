"""The search with a fake runner: who runs when, who is given up, and what a failure or an interruption leaves."""

import json

import pytest
from optuna.trial import TrialState

from fake_runs import FakeRun
from sightline.common.errors import SightlineError
from sightline.tuning.results import find_winner

BAD_RATE = "train: the loss became nan in epoch 0, step 3: lower lr"


def steady(values):
    """A trial of four epochs that comes to its learning rate."""
    return FakeRun([values["lr"]] * 4, [values["lr"]])


def states(study):
    return [trial.state for trial in study.get_trials(deepcopy=False)]


def test_the_first_trial_is_params_yaml_and_the_best_one_wins(tuner):
    study, runner = tuner(trials=5).run(steady)
    names = [name for name, *_ in runner.begun]
    rates = [values["lr"] for _, values, *_ in runner.begun]
    assert names == ["s-0", "s-1", "s-2", "s-3", "s-4"]
    assert rates[0] == 3e-3
    assert find_winner(study, tuner().settings).number == rates.index(max(rates))


def test_a_free_job_gets_a_trial_at_once(tuner):
    """A long trial stands in one slot while the other sees four short ones pass."""
    lengths = iter([13, 3, 3, 3, 3])
    _, runner = tuner(trials=5, jobs=2).run(lambda values: FakeRun([0.5] * next(lengths), [0.5]))
    assert [slot for _, _, slot, _ in runner.begun] == [0, 1, 1, 1, 1]
    assert runner.most == 2
    assert runner.begun[0][3].seen == 13


def test_what_is_worse_than_half_of_the_others_is_given_up(tuner):
    finals = iter([0.9, 0.8, 0.7, 0.6, 0.5, 0.6, 0.8])
    study, runner = tuner(trials=7, pruner="median", prune_after=2).run(
        lambda values: FakeRun([final := next(finals)] * 4, [final])
    )
    assert states(study) == [TrialState.COMPLETE] * 5 + [TrialState.PRUNED, TrialState.COMPLETE]
    given_up = runner.begun[5][3]
    assert (given_up.ended, given_up.seen) == ("stopped", 2)
    assert study.trials[5].user_attrs["epochs_trained"] == 2


def test_a_loss_is_to_be_small(tuner):
    finals = iter([0.9, 0.1, 0.5])
    study, _ = tuner(trials=3, objectives=["val/loss"]).run(lambda values: FakeRun([0.0], [next(finals)]))
    assert find_winner(study, tuner(objectives=["val/loss"]).settings).number == 1


def test_a_failed_trial_does_not_count_and_says_why(tuner):
    failures = iter(["", "no memory", "", "other", "", ""])
    one = tuner(trials=4)
    study, _ = one.run(lambda values: FakeRun([0.5], [0.5], next(failures)))
    assert states(study).count(TrialState.COMPLETE) == 4
    assert [trial.user_attrs["reason"] for trial in one.told if trial.state == TrialState.FAIL] == [
        "no memory",
        "other",
    ]


def test_three_in_a_row_that_fail_alike_end_the_study_in_one_line(tuner):
    failures = iter(["broken", "broken", "", "broken", "other", "broken", "broken", "broken"])
    with pytest.raises(SightlineError, match=r"^s: 3 trials in a row failed alike: broken$"):
        tuner(trials=20).run(lambda values: FakeRun([0.5], [0.5], next(failures)))
    assert next(failures, "none left") == "none left"


def test_many_that_fail_in_whatever_way_end_it_too(tuner):
    reasons = iter(range(100))
    with pytest.raises(SightlineError, match=r"^s: 20 trials in a row failed, the last one so: no 19$"):
        tuner(trials=50).run(lambda values: FakeRun([0.5], [0.5], f"no {next(reasons)}"))


def test_a_trial_that_diverged_is_a_bad_one_and_no_failure(tuner):
    failures = iter(["", BAD_RATE, BAD_RATE, BAD_RATE, ""])
    study, _ = tuner(trials=5).run(lambda values: FakeRun([0.5], [0.5], next(failures)))
    assert states(study) == [TrialState.COMPLETE, *[TrialState.PRUNED] * 3, TrialState.COMPLETE]
    assert study.trials[1].user_attrs["reason"] == BAD_RATE


def test_values_that_params_yaml_refuses_together_fail_without_a_run(tuner, set_params):
    set_params(batch_size=16, accumulate=4)
    one = tuner(space={"batch_size": {"low": 16, "high": 32}}, trials=3)
    _, runner = one.run(lambda values: FakeRun([0.5], [0.5]))
    failed = [trial for trial in one.told if trial.state == TrialState.FAIL]
    assert len(failed) > 0
    assert all("accumulate: 4 must divide batch_size" in trial.user_attrs["reason"] for trial in failed)
    assert [values["batch_size"] % 4 for _, values, *_ in runner.begun] == [0, 0, 0]


def test_an_interrupted_trial_is_the_next_one_again(tuner):
    looks = iter([False] * 6 + [True] * 9)
    one = tuner(trials=3, jobs=2)
    study, runner = one.run(lambda values: FakeRun([0.5] * 50, [0.5]), is_stopped=lambda: next(looks))
    assert [run.ended for *_, run in runner.begun] == ["interrupted", "interrupted"]
    assert states(study) == [TrialState.FAIL, TrialState.FAIL, TrialState.WAITING, TrialState.WAITING]
    _, again = one.run(lambda values: FakeRun([0.5], [0.5]))
    assert [values for _, values, *_ in again.begun[:2]] == [values for _, values, *_ in runner.begun]
    assert [name for name, *_ in again.begun] == ["s-2", "s-3", "s-4"]


def test_a_grid_runs_each_combination_once_and_ends(tuner):
    space = {"lr": {"low": 1e-3, "high": 1e-1, "log": True}, "optimizer": {"choices": ["adamw", "sgd"]}}
    study, runner = tuner(space=space, sampler="grid", trials=100).run(steady)
    begun = [(values["lr"], values["optimizer"]) for _, values, *_ in runner.begun]
    assert begun[0] == (3e-3, "adamw")
    assert sorted(begun[1:]) == [
        (rate, name)
        for rate in (pytest.approx(1e-3), pytest.approx(1e-2), pytest.approx(1e-1))
        for name in ("adamw", "sgd")
    ]
    assert states(study) == [TrialState.COMPLETE] * 7


def test_no_trial_begins_after_the_time_is_over(tuner):
    _, runner = tuner(trials=4, hours=1e-15).run(steady)
    assert runner.begun == []


@pytest.mark.parametrize("sampler", ["tpe", pytest.param("gp", marks=pytest.mark.slow), "cmaes", "random"])
def test_every_sampler_searches_a_space_with_conditions(tuner, sampler):
    space = {
        "optimizer": {"choices": ["adamw", "sgd"]},
        "lr": [
            {"low": 1e-4, "high": 1e-2, "when": {"optimizer": "adamw"}},
            {"low": 1e-1, "high": 1.0, "when": {"optimizer": "sgd"}},
        ],
    }
    study, runner = tuner(space=space, sampler=sampler, trials=12).run(steady)
    assert states(study) == [TrialState.COMPLETE] * 12
    for _, values, *_ in runner.begun:
        assert (values["lr"] >= 0.1) is (values["optimizer"] == "sgd")


@pytest.mark.parametrize("pruner", ["median", "hyperband", "wilcoxon"])
def test_every_pruner_lets_the_best_one_through(tuner, pruner):
    study, _ = tuner(trials=12, pruner=pruner).run(lambda values: FakeRun([values["lr"]] * 4, [values["lr"]]))
    best = max(study.get_trials(deepcopy=False), key=lambda trial: json.loads(trial.user_attrs["values"])["lr"])
    assert best.state == TrialState.COMPLETE


def test_several_objectives_have_a_front(tuner):
    """More accuracy for more parameters: nobody is beaten in both, and the winner has the most accuracy."""
    one = tuner(objectives=["val/accuracy", "parameters"], trials=4)
    study, _ = one.run(lambda values: FakeRun([0.5], [values["lr"], 1000 * values["lr"]]))
    assert len(study.best_trials) == 4
    assert find_winner(study, one.settings).values[1] == max(trial.values[1] for trial in study.trials)


def test_a_restart_draws_other_values(tuner):
    _, first = tuner(trials=3).run(steady)
    _, second = tuner(trials=6).run(steady)
    rates = [values["lr"] for _, values, *_ in [*first.begun, *second.begun]]
    assert len(set(rates)) == 6
