"""What a training leaves about itself beside its saved states, in run.json; and where these lie."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sightline.common.errors import SightlineError
from sightline.common.files import read_record, write_json
from sightline.common.params import StrictModel

FOLDER = ".resume"
COPIES = (".dvc", "tmp", "exps")  # below it lie DVC's working copies
FILE = "run.json"


class Note(StrictModel):
    """The content of run.json, but for its checksum.

    Parameters
    ----------
    epochs : int
        What the last run asked for.
    endless : bool
        A longer run may go on from its states.
    finished : bool
        It came to its end.
    outputs : list of str
        MD5 of each file that DVC is then to take into its cache.
    taken : bool
        DVC has taken them all.
    """

    epochs: int
    endless: bool
    finished: bool
    outputs: list[str]
    taken: bool


class Summed(StrictModel):
    """A note and the SHA-256 of what it says."""

    note: Note
    sha256: str


def resume_root(here: Path) -> Path:
    """Return the folder of all saved states."""
    return repository_of(here) / FOLDER


def repository_of(here: Path) -> Path:
    """Return the repository that a working copy of DVC was made from; `here` where it is none."""
    for parent in here.parents:
        if parent.parts[-len(COPIES) :] == COPIES:
            return parent.parents[len(COPIES) - 1]
    return here


def write_note(folder: Path, note: Note) -> None:
    """Write run.json."""
    facts = note.model_dump()
    write_json(folder / FILE, {"note": facts, "sha256": _sum(facts)})


def read_note(folder: Path) -> Note | None:
    """Read run.json; None where there is none, or not as it was written."""
    try:
        summed = read_record(Summed, folder / FILE)
    except SightlineError:
        return None
    return summed.note if summed.sha256 == _sum(summed.note.model_dump()) else None


def _sum(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
