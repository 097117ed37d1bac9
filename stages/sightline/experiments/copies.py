"""The copies of the repository in which `dvc exp run --temp` works, and the notes that DVC keeps of them."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

NOTES = Path(".dvc/tmp/exps")  # run/<revision>/<revision>.run and standalone/run/<revision>/<revision>.run
PATTERNS = ("run/*/*.run", "standalone/run/*/*.run")


@dataclass(frozen=True)
class Copy:
    """A copy that DVC has made for an experiment.

    Parameters
    ----------
    name : str
        The experiment's name.
    folder : Path
        Where its files lie, until it ends by itself.
    note : Path
        DVC's note, a file of JSON; it stays when the experiment has ended.
    """

    name: str
    folder: Path
    note: Path


def find_copies(root: Path) -> list[Copy]:
    """Return what DVC's notes tell of, also of experiments that have ended; a half-written note is left out."""
    notes = sorted(path for pattern in PATTERNS for path in (root / NOTES).glob(pattern))
    return [copy for copy in map(_read_note, notes) if copy is not None]


def remove_copy(name: str, root: Path) -> None:
    """Remove what an experiment that is no longer running has left: its copy and the notes of it."""
    for copy in find_copies(root):
        if copy.name == name:
            if (root / NOTES).resolve() in copy.folder.resolve().parents:
                shutil.rmtree(copy.folder, ignore_errors=True)
            shutil.rmtree(copy.note.parent, ignore_errors=True)


def _read_note(path: Path) -> Copy | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Copy(content["name"] or "", Path(content["root_dir"]), path)
    except (OSError, ValueError, KeyError):
        return None
