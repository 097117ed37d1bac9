"""Give the winner of a data set a version and a stage, as GTO's Git tags: digits@v0.0.1, digits#production#1."""

import subprocess
from pathlib import Path

import gto.api
from gto.exceptions import GTOException

from sightline.common.errors import SightlineError, in_one_line
from sightline.gating.finished import judge_run
from sightline.parameters.gates import GatesSection
from sightline.reporting.revision import Revision
from sightline.sweeping.registry import SELECTION, Record, Selection, read_file


def read_choice(data: str, root: Path) -> Record:
    """Return the selected model of a data set.

    Raises
    ------
    SightlineError
        Nothing is selected for it, or the experiment is not in this repository.
    """
    selection = read_file(Selection, root / SELECTION)
    choice = selection.selected.get(data)
    if choice is None:
        raise SightlineError(f"{SELECTION}: has no data set {data!r}; there are {', '.join(selection.selected)}")
    if choice.record is None:
        better = "; ".join(f"{model}: {', '.join(missed)}" for model, missed in choice.passed_over.items())
        raise SightlineError(f"{SELECTION}: no model of {data} keeps to the limits of sweep.yaml ({better})")
    if not _has_commit(choice.record.commit, root):
        raise SightlineError(
            f"{choice.record.experiment}: not in this repository: `dvc exp pull` brings it from a remote, `make sweep` "
            f"makes it"
        )
    return choice.record


def refuse_missed(record: Record, gates: GatesSection) -> None:
    """Raise SightlineError when a model misses gates, naming each with both numbers."""
    verdicts = judge_run(Revision(record.commit), gates)
    missed = [str(verdict) for verdict in verdicts if not verdict.passed]
    if missed:
        raise SightlineError(f"{record.experiment}: misses gates of params.yaml: {'; '.join(missed)}")


def promote(data: str, stage: str, record: Record, root: Path) -> list[str]:
    """Tag the model's commit with a version, unless it has one, and with the stage; return both tags.

    Raises
    ------
    SightlineError
        The stage's name is none, or this version is in it already.
    """
    try:
        assignment = gto.api.assign(str(root), data, stage, ref=record.commit)
    except GTOException as error:
        reason = in_one_line(error).partition(" Use the '--force' flag")[0]  # which `make promote` does not have
        raise SightlineError(f"{data}: {reason}") from None
    return [f"{data}@{assignment.version}", assignment.tag]


def _has_commit(commit: str, root: Path) -> bool:
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=root, check=False, capture_output=True).returncode == 0
