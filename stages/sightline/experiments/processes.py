"""Processes: what tells one from another that got its number later, whether it lives, and how a group is ended."""

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

PATIENCE = 15.0  # s for a training to end after the update at hand, before it is killed


@dataclass(frozen=True)
class Mark:
    """A process for good: the number alone is given to others later.

    Parameters
    ----------
    host : str
        Name of its machine.
    pid : int
        Its number there, which is also that of its group.
    started : float
        When it was started, in seconds since 1970.
    """

    host: str
    pid: int
    started: float


def mark_of(pid: int) -> Mark:
    """Return the mark of a process of this machine; one that has ended has no start."""
    try:
        return Mark(socket.gethostname(), pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return Mark(socket.gethostname(), pid, 0.0)


def is_here(mark: Mark) -> bool:
    """Tell whether a process is, or was, one of this machine."""
    return mark.host == socket.gethostname()


def is_alive(mark: Mark) -> bool:
    """Tell whether a process of this machine still runs."""
    return is_here(mark) and mark.started > 0 and abs(mark_of(mark.pid).started - mark.started) < 1.0


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
