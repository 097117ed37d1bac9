"""The scores of an experiment: epoch by epoch while it runs, and what it came to when it has ended."""

import json
import subprocess
from pathlib import Path
from typing import Any

from sightline.common.errors import SightlineError

STREAM = Path("plots/train/metrics")  # where train lets DVCLive write, a file a score, an epoch a line


def read_curves(folder: Path, score: str) -> list[list[float]]:
    """Return the value after each epoch so far: a list for each member, in the order in which they are trained.

    Parameters
    ----------
    folder : Path
        The experiment's copy; gone, or without the files, it has no epochs yet.
    score : str
        Such as ``val/accuracy``; a member's own is ``fold_0/val/accuracy``, say.
    """
    try:
        found = (folder / STREAM).glob(f"**/{score}.tsv")
        return [read_curve(path) for _, path in sorted((path.stat().st_mtime_ns, path) for path in found)]
    except OSError:  # DVC has just removed the copy
        return []


def read_curve(path: Path) -> list[float]:
    """Return the value after each epoch of one of DVCLive's files."""
    text = path.read_text(encoding="utf-8")
    lines = text.rpartition("\n")[0].splitlines()[1:]  # below the header; the last one may be half-written
    return [float(line.split("\t")[1]) for line in lines]


def find_experiment(name: str, root: Path) -> str | None:
    """Return the commit of the newest experiment of this name, or None."""
    return next((commit for commit, other in list_experiments(root) if other == name), None)


def list_experiments(root: Path) -> list[tuple[str, str]]:
    """Return commit and name of all experiments, the newest first."""
    listed = _git(root, "for-each-ref", "--sort=-creatordate", "--format=%(objectname) %(refname)", "refs/exps")
    lines = (line.split(" ", 1) for line in listed.splitlines())
    return [(commit, ref.rpartition("/")[2]) for commit, ref in lines if ref.count("/") == 4]


def read_metrics(commit: str, stage: str, root: Path) -> dict[str, Any]:
    """Return metrics/<stage>.json of a commit; raises as `read_text` does."""
    return json.loads(read_text(commit, f"metrics/{stage}.json", root))


def read_text(commit: str, path: str, root: Path) -> str:
    """Return a file of a commit that Git, rather than DVC's cache, keeps.

    Raises
    ------
    SightlineError
        The commit has no such file.
    """
    try:
        return _git(root, "show", f"{commit}:{path}")
    except subprocess.CalledProcessError:
        raise SightlineError(f"{path} of {commit[:7]}: not there: `dvc repro` makes it") from None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout
