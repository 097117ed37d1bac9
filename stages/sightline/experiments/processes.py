"""Groups of processes: how they are ended, and which files they hold open."""

import os
import signal
from pathlib import Path

import psutil

PATIENCE = 15.0  # s for a training to end after the update at hand, before it is killed


def end_group(pid: int, patience: float = PATIENCE) -> None:
    """End a process and all that it started: SIGTERM, and after so many seconds SIGKILL; 0: that at once."""
    members = _group(pid)
    if patience:
        _signal(pid, signal.SIGTERM)
        _, members = psutil.wait_procs(members, timeout=patience)
    if members:
        _signal(pid, signal.SIGKILL)
        psutil.wait_procs(members, timeout=PATIENCE)


def opened_below(pid: int, folder: Path) -> set[Path]:
    """Return the folders directly below `folder` in which a process, or one that it started, holds a file open."""
    found = set()
    for process in _group(pid):
        try:
            paths = [Path(file.path) for file in process.open_files()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        found |= {path.parent for path in paths if path.parent.parent == folder.resolve()}
    return found


def _group(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
