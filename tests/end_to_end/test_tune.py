"""`make tune` through the real `dvc`: trials are experiments, a killed tuner goes on, the winner is applied."""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest

from dvc_repo import environment_of

pytestmark = pytest.mark.slow

SETTINGS = """\
study: s
objectives: [val/accuracy]
space:
  lr: {low: 1e-3, high: 1e-2, log: true}
sampler: random
seed: 0
pruner: none
prune_after: 1
seeds: []
trials: 3
hours: 0
jobs: 2
threads: 1
storage: journal
push: ''
"""


@pytest.fixture
def study(repo):
    (repo.path / "tune.yaml").write_text(SETTINGS)
    repo.commit("A small search")
    with (repo.path / "README.md").open("a") as stream:
        stream.write("not committed\n")
    return repo


def read_trials(repo):
    return list(csv.DictReader((repo.path / "tuning/s/trials.csv").open()))


def leavings(repo):
    """Return DVC's copies, stashed changes, and processes of experiments that are left."""
    copies = [path.name for path in (repo.path / ".dvc/tmp/exps/standalone").glob("tmp*")]
    return copies, repo.git("stash", "list"), repo.git("for-each-ref", "refs/exps/stash", "refs/exps/exec")


def test_a_killed_tuner_goes_on_and_its_winner_is_applied(study):
    with (study.path.parent / "log").open("w") as log:
        tuner = subprocess.Popen(
            [sys.executable, "stages/tune.py"], cwd=study.path, env=environment_of(study.home), stdout=log, stderr=log
        )
        while not list((study.path / ".resume").glob("*/lock")):  # until a training has begun
            assert tuner.poll() is None
            time.sleep(0.2)
        tuner.send_signal(signal.SIGKILL)
        tuner.wait()
    output = study.run(sys.executable, "stages/tune.py")
    trials = read_trials(study)
    ended = [trial for trial in trials if trial["state"] == "complete"]
    assert len(ended) == 3
    assert {trial["experiment"] for trial in ended} <= set(study.experiments())
    assert all(trial["reason"] == "interrupted" for trial in trials if trial["state"] == "fail")
    assert leavings(study) == ([], "", "")
    assert "not committed" in study.read("README.md")

    winner = json.loads(study.read("tuning/s/winner.json"))
    assert winner["objectives"]["val/accuracy"] == max(float(trial["val/accuracy"]) for trial in ended)
    assert f"best: {winner['experiment']}" in output
    study.git("checkout", "--quiet", "README.md")
    study.run(sys.executable, "stages/tune.py", "--apply")
    assert study.yaml("params.yaml")["lr"] == winner["values"]["lr"]
    metrics = json.loads(study.read("metrics/train.json"))
    assert metrics["best"]["val"]["accuracy"] == winner["objectives"]["val/accuracy"]


def test_a_training_that_fails_keeps_its_log_and_stops_the_study(study):
    text = SETTINGS.replace("  lr: {low: 1e-3, high: 1e-2, log: true}", "  model: {choices: [resnet0]}")
    (study.path / "tune.yaml").write_text(text.replace("jobs: 2", "jobs: 1").replace("trials: 3", "trials: 9"))
    output = study.run(sys.executable, "stages/tune.py", status=1)
    last = output.splitlines()[-1]
    assert last.startswith("s: 3 trials in a row failed alike: params.yaml: model: no network is called 'resnet0'")
    assert len(list((study.path / "tuning/s/logs").glob("s-*.log"))) == 3
