"""Where a training keeps what it needs to go on after it was killed: `.resume/<fingerprint>/member_<i>.pt`.

The states of a finished one stay until DVC has taken what it wrote, and give that back where DVC died before.

The folder lies in the root of the repository, also for the working copies of `dvc exp run --temp` and `--queue`, which
DVC deletes. It is no output: DVC removes those before a stage starts. It is a cache: what is damaged in it is told in a
line and made anew.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sightline.common.errors import SightlineError
from sightline.common.files import replacing
from sightline.training.resuming.note import FILE, Note, read_note, resume_root, write_note
from sightline.training.resuming.state_file import is_whole, read_state, write_state
from sightline.training.resuming.taken import forget, settle, sums_of

OLDEST = 14 * 24 * 3600  # s: how long the states of trainings that nobody went on with are kept
LARGEST = 20 << 30  # bytes: how much of them is kept
ANEW = "this training starts anew"
FINISHED = 24 * 3600  # s: how long those of a finished one are, from which no longer run can go on


class ResumeFolder:
    """The saved states of one training, told by its fingerprint; nobody else trains into it at the same time.

    Parameters
    ----------
    path : Path
        `.resume/<fingerprint>`.
    epochs : int
        What `epochs` asks for now; the fingerprint leaves it out.
    why_not : str
        Why a run of another length cannot be gone on with; empty where it can.
    """

    def __init__(self, path: Path, epochs: int, why_not: str):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.epochs = epochs
        self._lock = _lock(path / "lock")
        self._endless = not why_not
        self._look_back(why_not)
        self._note(finished=False, outputs=[])

    def __enter__(self) -> "ResumeFolder":
        return self

    def __exit__(self, *failure: object) -> None:
        self._lock.close()

    def load(self, member: int) -> dict[str, Any] | None:
        """Return a member's state, on the CPU, or None where it has none, or none that is as it was saved."""
        path = self._file(member)
        if not path.exists():
            return None
        if not is_whole(path):
            print(f"{path}: damaged: {ANEW}")
            return None
        return read_state(path)

    def save(self, member: int, state: dict[str, Any]) -> None:
        """Replace a member's state; a full disk leaves the one before, says so, and lets the training go on."""
        try:
            with replacing(self._file(member)) as beside, beside.open("wb") as stream:
                write_state(stream, state)
                stream.flush()
                os.fsync(stream.fileno())
        except (OSError, RuntimeError) as error:  # torch reports a failed write as RuntimeError
            print(f"{self.path}: not saved ({str(error).splitlines()[0]}); a restart would begin at the save before")

    def has(self, member: int) -> bool:
        """Tell whether a member has a state that is as it was saved."""
        path = self._file(member)
        return path.exists() and is_whole(path)

    def finish(self, outputs: Iterable[Path]) -> None:
        """Note that every output is written, and what these folders of them hold."""
        self._note(finished=True, outputs=sums_of(outputs))

    def _note(self, finished: bool, outputs: list[str]) -> None:
        note = Note(epochs=self.epochs, endless=self._endless, finished=finished, outputs=outputs, taken=False)
        write_note(self.path, note)

    def _look_back(self, why_not: str) -> None:
        """Say what becomes of the states that lie here, and remove those that are of no use."""
        if not (self.path / FILE).exists():
            return
        before = read_note(self.path)
        reason = _why_anew(before, self.epochs, why_not) if before else f"{self.path / FILE}: damaged: {ANEW}"
        states = list(self.path.glob("member_*.pt"))
        if reason:
            print(reason)
            forget(self.path)
        elif before.finished and before.epochs == self.epochs and states and all(map(is_whole, states)):
            print(f"train: finished before, but not noted by DVC: given back (remove {self.path} to train it again)")

    def _file(self, member: int) -> Path:
        return self.path / f"member_{member}.pt"


def clean(root: Path, keep: str, now: float) -> None:
    """Remove states that are older than two weeks, and the oldest ones where all take more than 20 GiB.

    Those of a finished training go after a day, unless a longer run may go on from them.
    """
    entries = [path for path in root.iterdir() if path.is_dir() and path.name != keep] if root.is_dir() else []
    used = {path: max(file.stat().st_mtime for file in [path, *path.iterdir()]) for path in entries}
    total = 0
    for path in sorted(entries, key=used.get, reverse=True):
        total += sum(file.stat().st_size for file in path.iterdir())
        note = read_note(path)
        oldest = FINISHED if note and note.finished and not note.endless else OLDEST
        if now - used[path] > oldest or total > LARGEST:
            shutil.rmtree(path, ignore_errors=True)


def open_resume(here: Path, fingerprint: str, epochs: int, why_not: str) -> ResumeFolder:
    """Clean up after others, then open the folder of this training."""
    root = resume_root(here)
    settle(root, here / ".dvc")
    clean(root, fingerprint, time.time())
    return ResumeFolder(root / fingerprint, epochs, why_not)


def _why_anew(before: Note, epochs: int, why_not: str) -> str:
    """Return why saved states are of no use, or an empty string."""
    if before.taken and before.epochs == epochs:
        return "train: this training was finished before; it is run again from its first epoch"
    if before.epochs > epochs:
        return f"train: epochs: {before.epochs} became {epochs}: training starts anew"
    if before.epochs < epochs and why_not:
        return f"train: epochs: {before.epochs} became {epochs}: training starts anew, since {why_not}"
    return ""


def _lock(path: Path) -> IO[str]:
    """Hold a file until it is closed; the system closes it however the process ends."""
    stream = path.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SightlineError(
            f"{path}: another process trains with the same parameters and images: wait for it, or stop it"
        ) from None
    return stream
