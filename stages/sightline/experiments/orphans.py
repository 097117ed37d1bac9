"""Experiments that go on without whoever started them, since that was killed."""

import time
from pathlib import Path

import psutil
from filelock import FileLock

from sightline.experiments.copies import find_copies, remove_copy
from sightline.experiments.processes import end_group
from sightline.experiments.start import LOCK

STARTING = 60.0  # s for `dvc` to make its copy; before, it must not be killed
POLL = 0.1  # s


def end_orphan(name: str, root: Path) -> None:
    """End an experiment of this repository if it still runs, and remove its copy; its training can go on later."""
    pid = find_process(name, root)
    if pid is not None:
        _wait_for_copy(name, pid, root)
        end_group(pid)
    remove_copy(name, root)


def wait_for_starts(root: Path) -> None:
    """Wait until experiments that a killed command left starting have their copies: to be called before files are read.

    While `dvc` starts one, params.yaml holds the parameters of that experiment, not the user's.
    """
    for name, pid in _list_processes(root).items():
        _wait_for_copy(name, pid, root)


def find_process(name: str, root: Path) -> int | None:
    """Return the process of the `dvc` that runs an experiment of this repository."""
    return _list_processes(root).get(name)


def _list_processes(root: Path) -> dict[str, int]:
    """Return experiment -> process of each `dvc` that runs a named experiment of this repository.

    A process that a killed command has just forked looks like that command, and holds its lock, until it becomes `dvc`.
    """
    found = {}
    with FileLock(root / LOCK):
        processes = list(psutil.process_iter(["cmdline", "cwd"]))
    for process in processes:
        command = process.info["cmdline"] or []
        is_one = {"exp", "--temp", "--name"} <= set(command)
        names = command[command.index("--name") + 1 :][:1] if is_one else []
        if names and process.info["cwd"] == str(root.resolve()):
            found.setdefault(names[0], process.pid)
    return found


def _wait_for_copy(name: str, pid: int, root: Path) -> None:
    """Wait until an experiment has its copy: before, the user's changes are in DVC's stash."""
    begun = time.monotonic()
    while psutil.pid_exists(pid) and time.monotonic() - begun < STARTING:
        if any(copy.name == name for copy in find_copies(root)):
            return
        time.sleep(POLL)
