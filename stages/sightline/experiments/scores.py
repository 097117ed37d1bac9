"""The scores of an experiment: epoch by epoch while it runs, and what it came to when it has ended."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

from sightline.common.errors import SightlineError

STREAM = Path("plots/train/metrics")  # where train lets DVCLive write, a file a score, an epoch a line


def read_curve(folder: Path, score: str) -> list[tuple[int, float]]:
    """Return (epoch, value) of each epoch that is over, of a score such as ``val/accuracy`` or ``0/val/accuracy``.

    Parameters
    ----------
    folder : Path
        The experiment's copy; gone, or without the file, it has no epochs yet.
    score : str
        The path that DVCLive gives the score.
    """
    path = (folder / STREAM / score).with_suffix(".tsv")
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = stream.read().rpartition("\n")[0].splitlines()  # the last one may be half-written
    except OSError:
        return []
    rows = csv.reader(lines[1:], delimiter="\t")
    return [(int(step), float(value)) for step, value in rows]


def list_curves(folder: Path) -> list[str]:
    """Return the scores that have a curve so far."""
    stream = folder / STREAM
    return sorted(path.relative_to(stream).with_suffix("").as_posix() for path in stream.rglob("*.tsv"))


def find_experiment(name: str, root: Path) -> str | None:
    """Return the commit of the newest experiment of this name, or None."""
    listed = _git(root, "for-each-ref", "--sort=-creatordate", "--format=%(objectname) %(refname)", "refs/exps")
    lines = (line.split(" ", 1) for line in listed.splitlines())
    found = (commit for commit, ref in lines if ref.count("/") == 4 and ref.rpartition("/")[2] == name)
    return next(found, None)


def read_metrics(commit: str, stage: str, root: Path) -> dict[str, Any]:
    """Return metrics/<stage>.json of a commit.

    Raises
    ------
    SightlineError
        The commit has no such file.
    """
    path = f"metrics/{stage}.json"
    try:
        return json.loads(_git(root, "show", f"{commit}:{path}"))
    except (subprocess.CalledProcessError, ValueError):
        raise SightlineError(f"{path} of {commit[:7]}: not there: `dvc repro {stage}` makes it") from None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout
