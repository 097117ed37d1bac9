"""An experiment that is killed in a temporary copy, which nobody finds again, goes on in the workspace."""

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
    whole.dvc("exp", "run", *CHANGES)
    with TemporaryFile() as printed:
        process = subprocess.Popen(
            ["dvc", "exp", "run", "--temp", *CHANGES],
            cwd=repo.path,
            env=environment_of(repo.home),
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
        wait_for_a_state(repo.path / ".resume", process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    output = repo.dvc("exp", "run", *CHANGES)
    assert "train: goes on after epoch" in output, output
    for name in ("dvc.lock", "metrics/train.json", "plots/train/epochs.csv"):
        assert repo.read(name) == whole.read(name)


def wait_for_a_state(folder, process):
    """Wait until training has saved an epoch."""
    end = time.monotonic() + LIMIT
    while not list(folder.glob("*/member_0.pt")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
