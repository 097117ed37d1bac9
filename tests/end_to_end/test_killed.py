"""Experiments that are killed in a temporary copy, which nobody finds again: what they trained is not lost."""

import os
import shutil
import signal
import subprocess
import time
from tempfile import TemporaryFile

from dvc_repo import LIMIT, environment_of

CHANGES = ("-S", "lr=1e-3", "-S", "epochs=6")


def test_a_killed_experiment_goes_on_elsewhere_with_the_same_result(repo, tmp_path):
    shutil.rmtree(repo.path / ".resume")  # what the first run left
    whole = repo.copy(tmp_path / "whole")
    whole.dvc("exp", "run", *CHANGES, "train")
    kill(repo, "*/member_0.pt", "")
    output = repo.dvc("exp", "run", *CHANGES, "train")
    assert "train: goes on after epoch" in output, output
    for name in ("dvc.lock", "metrics/train.json", "plots/train/epochs.csv"):
        assert repo.read(name) == whole.read(name)


def test_one_killed_after_its_training_is_given_back_once_and_a_forced_one_trains(repo):
    shutil.rmtree(repo.path / ".resume")
    kill(repo, "*/run.json", '"finished": true')
    given = repo.dvc("exp", "run", "--single-item", *CHANGES, "train")
    assert "train: finished before, but not noted by DVC: given back" in given, given
    assert "epoch 1/6" not in given
    noted = repo.read("dvc.lock")
    forced = repo.dvc("repro", "--force", "--single-item", "train")
    assert "epoch 1/6" in forced and "given back" not in forced, forced
    assert repo.read("dvc.lock") == noted


def kill(repo, file, content):
    """Start the experiment in a temporary copy, and kill all of it once a saved state's file has that content."""
    with TemporaryFile() as printed:
        process = subprocess.Popen(
            ["dvc", "exp", "run", "--temp", *CHANGES],
            cwd=repo.path,
            env=environment_of(repo.home),
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
        end = time.monotonic() + LIMIT
        while not any(content.encode() in path.read_bytes() for path in (repo.path / ".resume").glob(file)):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
