"""What an experiment says, its copy, and its end."""

import json
import subprocess
import sys
import time

import psutil
import pytest

from sightline.experiments.copies import Copy, find_copies, remove_copy
from sightline.experiments.order import Order
from sightline.experiments.running import Running, find_reason

STARTED = "Reproducing experiment 's-0'\nStage 'prepare' didn't change, skipping\nRunning stage 'train':\n"
FAILED = "ERROR: failed to reproduce 'train': failed to run: python stages/train.py, exited with 1\n"
SLEEP = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (f"{STARTED}> python stages/check.py\nparams.yaml: lr: must be > 0\n{FAILED}", "params.yaml: lr: must be > 0"),
        (f"'data/raw/a.zip.dvc' didn't change, skipping\n{FAILED}", FAILED.removeprefix("ERROR: ").strip()),
        (f"{STARTED}{FAILED}", FAILED.removeprefix("ERROR: ").strip()),
        ("ERROR: Could not override 'lrr'.\nTo append use +lrr\n", "Could not override 'lrr'."),
        (f"{STARTED}Traceback (most recent call last):\n  File x\nValueError: no\n{FAILED}", "ValueError: no"),
        ("", "it ended without a word: is the disk full?"),
    ],
)
def test_the_reason_is_what_the_stage_said_else_what_dvc_said(log, reason):
    assert find_reason(log) == reason


@pytest.fixture
def copy(tmp_path):
    """A copy of DVC's as its note tells of it, two epochs of a curve of train in it."""
    folder = tmp_path / ".dvc/tmp/exps/standalone/tmp1"
    (folder / "plots/train/metrics/val").mkdir(parents=True)
    (folder / "plots/train/metrics/val/loss.tsv").write_text("step\tloss\n0\t2.5\n1\t2.0\n2\t1.")
    note = tmp_path / ".dvc/tmp/exps/run/abc/abc.run"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"name": "s-0", "root_dir": str(folder)}))
    return Copy("s-0", folder, note)


def begin(copy, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    return Running(Order("s-0", {}, "train", tmp_path / "log"), process, copy)


def test_copies_are_found_by_dvcs_notes_and_removed_by_name(copy, tmp_path):
    (tmp_path / ".dvc/tmp/exps/run/half").mkdir()
    (tmp_path / ".dvc/tmp/exps/run/half/half.run").write_text('{"name": ')
    assert find_copies(tmp_path) == [copy]
    remove_copy("another", tmp_path)
    assert copy.folder.is_dir()
    remove_copy("s-0", tmp_path)
    assert (copy.folder.exists(), find_copies(tmp_path)) == (False, [])


def test_a_copy_elsewhere_is_never_removed(tmp_path):
    note = tmp_path / ".dvc/tmp/exps/run/abc/abc.run"
    note.parent.mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    note.write_text(json.dumps({"name": "s-0", "root_dir": str(tmp_path / "mine")}))
    remove_copy("s-0", tmp_path)
    assert (tmp_path / "mine").is_dir()


def test_epochs_count_once_train_has_begun_and_once_they_are_whole(copy, tmp_path):
    running = begin(copy, tmp_path)
    (tmp_path / "log").write_text("Stage 'split' didn't change, skipping\n")
    assert running.curves("val/loss") == []
    (tmp_path / "log").write_text(STARTED)
    assert running.curves("val/loss") == [[2.5, 2.0]]
    assert running.curves("val/accuracy") == []
    (tmp_path / "log").unlink()
    assert running.curves("val/loss") == []
    running.stop(tmp_path)


@pytest.mark.parametrize("end", [Running.stop, Running.interrupt])
def test_an_end_ends_what_the_process_started_and_removes_the_copy(copy, tmp_path, end):
    running = begin(copy, tmp_path)
    child = wait_for_child(running.process.pid)
    begun = time.monotonic()
    end(running, tmp_path)
    assert time.monotonic() - begun < 10
    assert running.status() is not None
    assert not child.is_running()
    assert not copy.folder.exists()


def wait_for_child(pid):
    while not (children := psutil.Process(pid).children()):
        time.sleep(0.02)
    return children[0]


@pytest.mark.parametrize(("end", "kept"), [(Running.interrupt, True), (Running.stop, False)])
def test_stopping_removes_saved_states_and_interrupting_keeps_them(copy, tmp_path, end, kept):
    states = tmp_path / ".resume/abc"
    states.mkdir(parents=True)
    holder = f"import time; held = open({str(states / 'lock')!r}, 'w'); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", holder], start_new_session=True)
    while not (states / "lock").exists():
        time.sleep(0.02)
    end(Running(Order("s-0", {}, "train", tmp_path / "log"), process, copy), tmp_path)
    assert states.exists() is kept
