"""`dvc exp`, and what compares experiments: parameters, metrics and plots."""

import json

import pytest

from dvc_repo import STAGES, charts, complaints, ran

FROM_TRAIN = STAGES[2:]


def test_another_learning_rate_runs_training_and_what_follows(slower):
    assert ran(slower.output) == FROM_TRAIN
    assert complaints(slower.output) == []
    assert slower.repo.yaml("dvc.lock")["stages"]["train"]["params"]["params.yaml"]["lr"] == 1e-4


def test_an_experiment_changes_one_line_of_params_yaml(slower):
    assert slower.repo.git("diff", "--numstat", "params.yaml").split() == ["1", "1", "params.yaml"]


def test_a_handwritten_value_is_the_same_experiment(slower, tmp_path):
    repo = slower.repo.copy(tmp_path / "repo")
    repo.git("checkout", "--quiet", ".")
    repo.write_param("lr", "1e-4")
    assert ran(repo.dvc("repro")) == []  # all of it comes from DVC's cache
    assert repo.read("dvc.lock") == slower.repo.read("dvc.lock")


def test_experiments_are_listed_with_parameters_and_metrics(slower):
    found = slower.repo.experiments()["slower"]
    assert found["params"]["params.yaml"]["data"]["lr"] == 1e-4
    metrics = json.loads(slower.repo.read("metrics/evaluate.json"))
    assert found["metrics"]["metrics/evaluate.json"]["data"]["test"]["accuracy"] == metrics["test"]["accuracy"]
    table = slower.repo.dvc("exp", "show", "--csv").splitlines()
    assert {"Experiment", "test.accuracy", "gradcam.images"} <= set(table[0].split(","))
    assert sum("slower" in line for line in table) == 1


def test_metrics_and_parameters_are_compared(slower):
    params = json.loads(slower.repo.dvc("params", "diff", "--json"))
    assert params == {"params.yaml": {"lr": {"old": 2e-3, "new": 1e-4, "diff": pytest.approx(-1.9e-3)}}}
    change = json.loads(slower.repo.dvc("metrics", "diff", "--json"))["metrics/evaluate.json"]["test.accuracy"]
    assert change["new"] == json.loads(slower.repo.read("metrics/evaluate.json"))["test"]["accuracy"]
    assert change["new"] < change["old"]  # two epochs at a twentieth of the rate learn less
    assert "| params.yaml | lr" in slower.repo.dvc("params", "diff", "--md")
    assert "| metrics/evaluate.json | test.accuracy" in slower.repo.dvc("metrics", "diff", "--md")
    shown = json.loads(slower.repo.dvc("metrics", "show", "--json"))[""]["data"]
    assert set(shown) == {f"metrics/{stage}.json" for stage in STAGES}


def test_plots_diff_draws_both_revisions(slower, tmp_path):
    output = slower.repo.dvc("plots", "diff", "HEAD", "--out", str(tmp_path))
    assert complaints(output) == []
    drawn = charts((tmp_path / "index.html").read_text())
    for plot in ("plots_train_epochs_csv", "plots_evaluate_confusion_csv", "plots_evaluate_classes_csv"):
        assert {row["rev"] for row in drawn[plot]["data"]["values"]} == {"HEAD", "workspace"}


def test_what_only_gradcam_reads_runs_only_gradcam(repo):
    assert ran(repo.dvc("exp", "run", "--name", "few", "-S", "gradcam.images=4")) == ["gradcam"]
    pictures = sorted(path.name for path in (repo.path / "plots/gradcam/maps").iterdir())
    assert pictures == ["classes.png", "correct.png", "features.png", "wrong.png"]
    assert json.loads(repo.read("metrics/gradcam.json"))["images"]["correct"] == 4
    assert repo.experiments()["few"]["params"]["params.yaml"]["data"]["gradcam"]["images"] == 4


def test_a_bad_value_ends_in_one_line(repo):
    output = repo.dvc("exp", "run", "-S", "lr=-1", status=255)
    assert "params.yaml: lr: must be greater than 0 (got -1)" in output.splitlines()
    assert "Traceback" not in output
    assert ran(output) == ["train"]
