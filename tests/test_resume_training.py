"""Trainings that are killed and started again end with the same bytes as one that was not."""

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from forked import Script
from small_run import make_training

EPOCHS = 12


@pytest.fixture
def folder(workspace, set_params):
    make_training(workspace, 200, 40)
    options = {"average.method": "ema", "lookahead": True, "mixup": 0.2, "drop_rate": 0.2}
    set_params(epochs=EPOCHS, batch_size=8, accumulate=2, **options)
    return workspace


def start():
    return Script("train.py")


def finish(process):
    output, status = process.finish()
    assert status == 0, output
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


@pytest.fixture(scope="module")
def undisturbed():
    """What the training of `folder` writes when nothing stops it; filled by the first test that needs it."""
    return {}


def expected_bytes(undisturbed):
    if not undisturbed:
        finish(start())
        undisturbed.update(written())
        shutil.rmtree(".resume")  # it would be given back
    return undisturbed


def test_killed_at_random_points_it_ends_with_the_same_bytes(folder, undisturbed):
    expected = expected_bytes(undisturbed)
    draws = random.Random(0)
    for _ in range(3):
        process = start()
        wait_for_epoch(process)
        time.sleep(draws.random() / 4)
        process.kill()
    assert "goes on after epoch" in finish(start())
    assert written() == expected


def test_a_signal_saves_in_the_middle_of_an_epoch(folder, undisturbed):
    expected = expected_bytes(undisturbed)
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start()
        wait_for_epoch(process)
        process.send_signal(number)
        output, status = process.finish()
        assert status == 1
        assert "interrupted in epoch" in output.splitlines()[-1]
        assert "Traceback" not in output
    assert "step" in finish(start()).splitlines()[0]
    assert written() == expected


def test_a_longer_run_goes_on_where_the_schedule_allows_it(folder, set_params):
    set_params(schedule="constant", epochs=3)
    finish(start())
    whole = written()
    set_params(epochs=1, lr=3e-3)
    Path(".resume").rename("before")
    finish(start())
    set_params(epochs=3)
    assert "goes on after epoch 1" in finish(start())
    assert written() == whole


def test_with_a_damaged_state_it_starts_anew_and_ends_with_the_same_bytes(folder, undisturbed):
    expected = expected_bytes(undisturbed)
    process = start()
    wait_for_epoch(process)
    wait_for_epoch(process)  # that of the first one is saved
    process.kill()
    path = next(Path(".resume").glob("*/member_0.pt"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    output = finish(start())
    assert "member_0.pt: damaged: this training starts anew" in output
    assert "Traceback" not in output and "goes on" not in output
    assert written() == expected
