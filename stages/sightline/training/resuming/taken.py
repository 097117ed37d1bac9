"""Whether DVC has taken what a finished training wrote; until then its states can give the result back.

DVC copies a stage's outputs into its cache when the stage has ended, then notes them in dvc.lock. A training whose DVC
dies before that is lost to it. What DVC has taken it gives back by itself, so that a run of it again is a forced one,
which is to train again: it checks that the bytes repeat.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sightline.training.resuming.note import read_note, write_note


def settle(root: Path, dvc: Path) -> None:
    """Note which finished trainings DVC has taken, and remove their states, unless a longer run may go on from them.

    Parameters
    ----------
    root : Path
        Folder of all saved states.
    dvc : Path
        The folder ``.dvc`` of the repository, or of DVC's working copy of it.
    """
    for folder in sorted(root.glob("*/")):
        note = read_note(folder)
        if note is None or not note.finished or note.taken or not are_cached(note.outputs, dvc):
            continue
        write_note(folder, note.model_copy(update={"taken": True}))
        if not note.endless:
            forget(folder)


def forget(folder: Path) -> None:
    """Remove a training's states."""
    for path in folder.glob("member_*.pt"):
        path.unlink(missing_ok=True)


def sums_of(outputs: Iterable[Path]) -> list[str]:
    """Return the MD5, by which DVC's cache names them, of all files in the folders."""
    files = sorted(path for folder in outputs for path in folder.rglob("*") if path.is_file())
    return sorted({_md5(path) for path in files})


def are_cached(sums: list[str], dvc: Path) -> bool:
    """Tell whether DVC's cache holds files of all these MD5."""
    if not dvc.is_dir():
        return False
    objects = _cache(dvc) / "files/md5"
    return all((objects / md5[:2] / md5[2:]).exists() for md5 in sums)


def _cache(dvc: Path) -> Path:
    from dvc.config import Config  # a second to import, for finished trainings alone

    return Path(Config(dvc_dir=str(dvc.resolve()))["cache"].get("dir") or dvc / "cache")


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
