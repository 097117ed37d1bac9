"""Where a training keeps what it needs to go on after it was killed: `.resume/<fingerprint>/member_<i>.pt`.

The folder lies in the root of the repository, also for the working copies of `dvc exp run --temp` and `--queue`, which
DVC deletes. It is no output: DVC removes those before a stage starts. It is a cache: what is damaged in it is told in a
line and made anew.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import torch

from sightline.common.errors import SightlineError
from sightline.common.files import replacing
from sightline.parameters.train import TrainParams
from sightline.training.state_file import Note, is_whole, read_note, read_state, write_note, write_state

FOLDER = ".resume"
OLDEST = 14 * 24 * 3600  # s: how long the states of trainings that nobody went on with are kept
LARGEST = 20 << 30  # bytes: how much of them is kept
COPIES = (".dvc", "tmp", "exps")  # below it lie DVC's working copies


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
        reason = self._why_anew(why_not)
        if reason:
            print(reason)
            self._forget()
        self._note(finished=False)

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
            print(f"{path}: damaged: this training starts anew")
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

    def finish(self) -> None:
        """Note that every output is written: the same training then starts anew, a longer one may go on."""
        self._note(finished=True)

    def _file(self, member: int) -> Path:
        return self.path / f"member_{member}.pt"

    def _note(self, finished: bool) -> None:
        write_note(self.path / "run.json", self.epochs, finished)

    def _why_anew(self, why_not: str) -> str:
        """Return why the saved states are of no use, or an empty string."""
        path = self.path / "run.json"
        if not path.exists():
            return ""
        before = read_note(path)
        if before is None:
            return f"{path}: damaged: this training starts anew"
        return _why_anew(before, self.epochs, why_not)

    def _forget(self) -> None:
        for path in self.path.glob("member_*.pt"):
            path.unlink()


def resume_root(here: Path) -> Path:
    """Return the folder of all saved states: in the repository that a working copy of DVC was made from."""
    for parent in here.parents:
        if parent.parts[-len(COPIES) :] == COPIES:
            return parent.parents[len(COPIES) - 1] / FOLDER
    return here / FOLDER


def clean(root: Path, keep: str, now: float) -> None:
    """Remove states that are older than two weeks, and the oldest ones where all take more than 20 GiB."""
    entries = [path for path in root.iterdir() if path.is_dir() and path.name != keep] if root.is_dir() else []
    used = {path: max(file.stat().st_mtime for file in [path, *path.iterdir()]) for path in entries}
    total = 0
    for path in sorted(entries, key=used.get, reverse=True):
        total += sum(file.stat().st_size for file in path.iterdir())
        if now - used[path] > OLDEST or total > LARGEST:
            shutil.rmtree(path, ignore_errors=True)


def open_resume(here: Path, fingerprint: str, epochs: int, why_not: str) -> ResumeFolder:
    """Clean up after others, then open the folder of this training."""
    root = resume_root(here)
    clean(root, fingerprint, time.time())
    return ResumeFolder(root / fingerprint, epochs, why_not)


def _why_anew(before: Note, epochs: int, why_not: str) -> str:
    """Return why saved states are of no use, or an empty string."""
    if before.finished and before.epochs == epochs:
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


DATA = ("data/prepared/dataset.json", "data/prepared/index.csv", "data/split/split.csv")  # index.csv names all pixels


def fingerprint(params: TrainParams, files: Iterable[Path], processes: int, device: torch.device) -> str:
    """Return 16 hexadecimal digits that change with parameters (but `epochs`), data, code, versions and processors.

    Parameters
    ----------
    files : iterable of Path
        What the parameters name besides the data: weights, a teacher.
    """
    facts = {
        "params": params.model_dump(exclude={"epochs"}),
        "files": {str(path): digest(path) for path in [*map(Path, DATA), *sorted(files)]},
        "code": {name: digest(path) for name, path in sorted(loaded_code().items())},
        "versions": [sys.version, torch.__version__],
        "processors": [processes, device.type, torch.get_num_threads(), os.environ.get("ACCELERATE_MIXED_PRECISION")],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def loaded_code() -> dict[str, Path]:
    """Return module name -> file of Sightline's modules that this process has imported."""
    return {
        name: Path(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith("sightline.") and getattr(module, "__file__", None)
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
