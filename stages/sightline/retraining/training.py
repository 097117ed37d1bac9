"""The training itself: `dvc exp run` in the copy, watched, with what it says on the terminal and in a file."""

import subprocess
import sys
import time
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.experiments.order import spell
from sightline.experiments.processes import end_group
from sightline.experiments.running import find_reason
from sightline.training.interrupt import StopRequest

POLL = 0.3  # s
MISSED = "gates missed"  # how evaluate and export say it


def train(folder: Path, values: dict, log: Path) -> str:
    """Run the pipeline with these parameters; return nothing, or the line in which a stage said that gates are missed.

    Raises
    ------
    SightlineError
        It fails otherwise, or is interrupted; a training then goes on where it was when it is run again.
    """
    overrides = [part for key, value in values.items() for part in ("-S", f"{key}={spell(value)}")]
    with log.open("wb") as stream, StopRequest() as stop:
        process = subprocess.Popen(
            ["dvc", "--wait-for-lock", "exp", "run", *overrides],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _follow(process, log, stop)
    if stop.noted:
        raise SightlineError("interrupted: run it again, and it goes on")
    if process.returncode == 0:
        return ""
    reason = find_reason(log.read_text(encoding="utf-8", errors="replace"))
    if reason.startswith(MISSED):
        return reason
    raise SightlineError(f"{reason} ({log})")


def _follow(process: subprocess.Popen, log: Path, stop: StopRequest) -> None:
    """Print what comes into the log until the process ends, or is to end."""
    with log.open("rb") as lines:
        while process.poll() is None:
            sys.stdout.buffer.write(lines.read())
            sys.stdout.flush()
            time.sleep(POLL)
            if stop.noted:
                end_group(process.pid)
                process.wait()
        sys.stdout.buffer.write(lines.read())
        sys.stdout.flush()
