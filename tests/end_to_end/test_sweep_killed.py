"""A sweep through the real `dvc`: killed at random instants, it ends with every result, and leaves nothing behind."""

import json
import os
import random
import signal
import subprocess
import sys

import pandas as pd
import pytest

from dvc_repo import LIMIT, environment_of

SWEEP = """
data:
  digits: {prepare: {source: digits, image_size: 8}}
models:
  small: {recipe: fast_dev, prepare.image_size: 16, epochs: 3}
  smaller: {recipe: fast_dev, network.width: 0.5, epochs: 2}
  bad: {recipe: fast_dev, optimizer: nothing}
seeds: [0]
jobs: 2
tune: 0
limits: {max_file_mb: 5.0}
"""
KILLS = 10


@pytest.mark.slow
def test_a_sweep_killed_at_random_instants_ends_with_all_results(repo):
    (repo.path / "sweep.yaml").write_text(SWEEP)
    repo.commit("A sweep")
    instants = random.Random(3)
    for _ in range(KILLS):
        kill_after(repo, instants.uniform(2, 30))
    output = repo.run(sys.executable, "stages/sweep.py", status=1)
    assert "failed: digits bad seed 0: " in output
    board = pd.read_csv(repo.path / "leaderboard/leaderboard.csv")
    assert sorted(board["model"]) == ["small", "smaller"]
    assert board["val_accuracy"].is_monotonic_decreasing
    selected = json.loads(repo.read("registry/selection.json"))["selected"]["digits"]
    assert selected["model"] == board["model"][0]
    named = repo.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    assert sorted(ref.split("/")[-1].split("-")[1] for ref in named if "/digits-" in ref) == ["small", "smaller"]
    assert repo.git("stash", "list") == ""
    assert [line for line in repo.git("status", "--porcelain").splitlines() if "registry" not in line] == []
    assert list((repo.path / ".dvc/tmp/exps").glob("*/*/*.run")) == []
    again = repo.run(sys.executable, "stages/sweep.py", "--dry-run", "--only", "small", "smaller")
    assert "0 of 2 experiments would run" in again
    repo.run(sys.executable, "stages/registry.py", "promote", "--data", "digits", "--stage", "production")
    assert sorted(repo.git("tag").split()) == ["digits#production#1", "digits@v0.0.1"]
    model = repo.path / "fetched.onnx"
    repo.dvc("get", ".", "models/exported/model.onnx", "--rev", "digits@v0.0.1", "--out", str(model))
    assert model.stat().st_size == selected["record"]["file"]["bytes"]


def kill_after(repo, seconds):
    """Start a sweep, and kill it, but nothing that it has started."""
    process = subprocess.Popen(
        [sys.executable, "stages/sweep.py"],
        cwd=repo.path,
        env=environment_of(repo.home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=min(seconds, LIMIT))
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
