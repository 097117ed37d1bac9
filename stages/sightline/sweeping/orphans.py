"""Experiments that go on after the sweep that started them was killed: they are ended, and started again."""

import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from sightline.experiments.copies import find_copies, remove_copy
from sightline.experiments.processes import end_group

PATIENCE = 60.0  # s for DVC to have made the copy: before, it must not be ended


def end_orphans(names: Iterable[str], root: Path) -> list[str]:
    """End what still runs of these experiments in this repository, and remove its copies; return their names.

    A training that is ended so goes on from its last epoch when it is started again.
    """
    names = set(names)
    orphans = {name: pid for name, pid in _list_experiments(root) if name in names}
    for name, pid in orphans.items():
        _await_copy(name, pid, root)
        end_group(pid)
    for name in names & {copy.name for copy in find_copies(root)}:
        remove_copy(name, root)
    return sorted(orphans)


def _list_experiments(root: Path) -> list[tuple[str, int]]:
    """Return (name, number) of each process that is the `dvc exp run --name` of this repository."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if "exp" in words and "--name" in words[:-1] and Path(process.cwd()).resolve() == root.resolve():
                found.append((words[words.index("--name") + 1], process.pid))
        except psutil.Error:
            continue
    return found


def _await_copy(name: str, pid: int, root: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and psutil.pid_exists(pid):
        if any(copy.name == name for copy in find_copies(root)):
            return
        time.sleep(0.1)
