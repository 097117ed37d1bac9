"""Trainings that are killed and started again end with the same bytes as one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imports import ROOT
from small_run import SUBSETS, make_run

EPOCHS = 12
LIMIT = 240  # s


@pytest.fixture
def folder(workspace, set_params):
    make_run(workspace, SUBSETS[:1] * 400 + SUBSETS[1:2] * 40 + SUBSETS[2:])
    for path in (workspace / "models/trained").iterdir():
        path.unlink()
    set_params(epochs=EPOCHS, batch_size=8, accumulate=2, averaging="ema", lookahead=True, mixup=0.2, drop_rate=0.2)
    return workspace


def start(**environment):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"} | environment
    command = [sys.executable, str(ROOT / "stages/train.py")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def finish(process):
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, output
    return output


def written():
    files = [path for root in ("models/trained", "plots/train", "metrics") for path in Path(root).rglob("*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def wait_for_epoch(process):
    """Read until the process says that an epoch is over."""
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("epoch"):
            return line
    raise AssertionError("".join(said))


def test_killed_at_random_points_it_ends_with_the_same_bytes(folder):
    finish(start())
    expected = written()
    draws = random.Random(0)
    for _ in range(3):
        process = start()
        wait_for_epoch(process)
        time.sleep(draws.random() / 2)
        process.kill()
        process.wait()
    resumed = finish(start())
    assert "goes on after epoch" in resumed
    assert written() == expected


def test_a_signal_saves_in_the_middle_of_an_epoch(folder):
    finish(start())
    expected = written()
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start()
        wait_for_epoch(process)
        time.sleep(0.1)
        process.send_signal(number)
        output = process.communicate(timeout=LIMIT)[0]
        assert process.returncode == 1
        assert "interrupted in epoch" in output.splitlines()[-1]
        assert "Traceback" not in output
    finish(start())
    assert written() == expected


def test_a_longer_run_goes_on_where_the_schedule_allows_it(folder, set_params):
    set_params(schedule="constant", epochs=4)
    finish(start())
    whole = written()
    set_params(epochs=2)
    finish(start())
    set_params(epochs=4)
    assert "goes on after epoch 2" in finish(start())
    assert written() == whole


def test_another_parameter_starts_anew(folder, set_params):
    process = start()
    wait_for_epoch(process)
    process.kill()
    process.wait()
    set_params(lr=1e-3)
    assert "goes on" not in finish(start())
