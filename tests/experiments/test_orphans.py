"""Experiments whose starter was killed: who waits for them, and for how long."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from sightline.experiments import orphans

SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def starting(tmp_path):
    """A process that looks like a `dvc` which starts the experiment `one`."""
    command = [sys.executable, "-c", SLEEP, "exp", "run", "--temp", "--name", "one"]
    process = subprocess.Popen(command, cwd=tmp_path)
    deadline = time.monotonic() + 10
    while orphans.find_process("one", tmp_path) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


def test_files_are_read_when_an_experiment_that_starts_has_its_copy(starting, tmp_path, monkeypatch):
    copies = []
    monkeypatch.setattr(orphans, "find_copies", lambda root: copies)
    waiting = threading.Thread(target=orphans.wait_for_starts, args=(tmp_path,))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    copies.append(SimpleNamespace(name="one"))
    waiting.join(10)
    assert not waiting.is_alive()


def test_nobody_waits_for_an_experiment_of_another_repository(starting, tmp_path_factory):
    begun = time.monotonic()
    orphans.wait_for_starts(tmp_path_factory.mktemp("other"))
    assert time.monotonic() - begun < 5
