"""Start an experiment in a copy of its own: one after the other, since DVC cannot start two at the same moment.

Two that start together either fail ("Unable to acquire lock") or take each other's parameters from the stash they
share. Once the note of the first one's copy shows (`copies.py`), the next may start; any number runs side by side.
"""

import os
import subprocess
import time
from pathlib import Path

from filelock import FileLock

from sightline.common.errors import SightlineError
from sightline.experiments.copies import Copy, find_copies
from sightline.experiments.links import link_to_cache
from sightline.experiments.order import Order
from sightline.experiments.running import Running

LOCK = Path(".dvc/tmp/sightline_start.lock")
BUSY = ("Unable to acquire lock", "index.lock", "is locked by")  # what DVC and Git say when another one is at work
TRIES = 10
PAUSE = 1.0  # s between two of them
POLL = 0.05  # s
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}  # the log shows at once what happens


def start(order: Order, root: Path) -> Running:
    """Start an experiment and return when its copy is there, or when it has ended; others that start wait.

    From then on the files of the repository are as they were: before, DVC puts changes that are not committed aside for
    a moment, and must not be killed.

    Parameters
    ----------
    order : Order
        What is to run; its log is begun anew.
    root : Path
        Root of the repository.

    Raises
    ------
    SightlineError
        There is no `dvc`, the clone is shallow, or others hold the repository for as long as this tries.
    """
    refuse_shallow(root)
    order.log.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root / LOCK):
        for _ in range(TRIES):
            running = _start_once(order, root)
            if running.copy is not None or not _is_busy(running):
                return running
            time.sleep(PAUSE)
    raise SightlineError(f"{order.name}: another command holds the repository: wait for it, then start again")


def refuse_shallow(root: Path) -> None:
    """Raise SightlineError in a clone without history, in which an experiment of DVC ends well and is lost."""
    asked = ["git", "rev-parse", "--is-shallow-repository"]
    if subprocess.run(asked, cwd=root, check=False, capture_output=True, text=True).stdout.strip() == "true":
        raise SightlineError("this clone is shallow, and DVC would lose its experiments: `git fetch --unshallow`")


def _start_once(order: Order, root: Path) -> Running:
    """Start `dvc` and wait until it has made its copy, or has ended."""
    before = {copy.note for copy in find_copies(root)}
    process = _launch(order, root)
    while process.poll() is None:
        copy = _new_copy(order, root, before)
        if copy is not None:
            return Running(order, process, copy)
        time.sleep(POLL)
    return Running(order, process, _new_copy(order, root, before))


def _launch(order: Order, root: Path) -> subprocess.Popen:
    """Start `dvc` in a group of its own, which Ctrl-C of the terminal does not reach."""
    try:
        with order.log.open("wb") as log:
            return subprocess.Popen(
                order.command(),
                cwd=root,
                env=os.environ | UNBUFFERED | link_to_cache(root) | order.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except FileNotFoundError:
        raise SightlineError("dvc: not found: run `make`, or activate the environment that has it") from None


def _new_copy(order: Order, root: Path, before: set[Path]) -> Copy | None:
    copies = (copy for copy in find_copies(root) if copy.name == order.name and copy.note not in before)
    return next(copies, None)


def _is_busy(running: Running) -> bool:
    """Tell whether an experiment ended because something else was at work in the repository."""
    return running.process.returncode != 0 and any(words in running.read_log() for words in BUSY)
