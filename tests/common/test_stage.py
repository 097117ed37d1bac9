import errno
import os
import signal
import subprocess
import sys

import pytest

from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.common.params import StageParams
from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage

CRASHING = """
import ctypes
from sightline.common.params import StageParams
from sightline.common.stage import run_stage

class Params(StageParams):
    seed: int

def main(params):
    ctypes.string_at(0)

run_stage(main, Params)
"""


class Params(StageParams):
    seed: int


def run_raising(error):
    def main(params):
        raise error

    with pytest.raises(SystemExit) as caught:
        run_stage(main, Params)
    return str(caught.value)


def test_a_users_mistake_is_one_line(workspace):
    assert run_raising(SightlineError("photos.zip: not there")) == "photos.zip: not there"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (errno.ENOSPC, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "denied"),
        (errno.ENOTDIR, "a file lies where a folder is to be"),
    ],
)
def test_a_disk_that_cannot_be_written_is_one_line(workspace, code, word):
    message = run_raising(OSError(code, os.strerror(code), "models/x"))
    assert message.startswith("models/x: ")
    assert word in message


def test_a_mistake_of_ours_keeps_its_traceback(workspace):
    def main(params):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        run_stage(main, Params)


def test_a_crash_inside_a_library_tells_where_it_was_called(workspace):
    """Of which DVC tells the exit status alone."""
    script = workspace / "crashing.py"
    script.write_text(CRASHING)
    done = subprocess.run(
        [sys.executable, script], check=False, env={"PYTHONPATH": str(ROOT / "stages")}, capture_output=True
    )
    assert done.returncode == -signal.SIGSEGV
    assert b"Segmentation fault" in done.stderr
    assert b'crashing.py", line 10 in main' in done.stderr


def test_streams_differ_by_purpose_and_position_and_repeat():
    seeds = {
        stream_seed(0, "shuffle", 0),
        stream_seed(0, "shuffle", 1),
        stream_seed(0, "augment", 0),
        stream_seed(1, "shuffle", 0),
    }
    assert len(seeds) == 4
    assert stream_seed(0, "shuffle", 0) == stream_seed(0, "shuffle", 0) < 2**32
