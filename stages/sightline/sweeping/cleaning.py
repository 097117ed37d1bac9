"""What `make clean-experiments` may delete; what branches, tags or the registry name it must keep.

Only experiments of sweeps are looked at, told by their names; those that somebody else made stay.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from sightline.experiments.copies import find_copies
from sightline.sweeping.identity import LETTERS
from sightline.sweeping.journal import LOGS
from sightline.sweeping.registry import Registry

NAME = re.compile(rf"(?P<data>[a-z][a-z0-9_]*)-(?P<model>[a-z][a-z0-9_]*)-s(?P<seed>\d+)-[0-9a-f]{{{LETTERS}}}")
OLD = (".resume/*", f"{LOGS}/*.log", "tuning/*/logs/*")  # states of trainings, logs of sweeps and tuners
DAY = 24 * 3600  # s
DEPTH = 4  # slashes: refs/exps/<two letters of the base commit>/<its rest>/<name>


@dataclass(frozen=True)
class Experiment:
    """A reference of Git that keeps an experiment of a sweep."""

    name: str
    ref: str
    commit: str

    def delete(self, root: Path) -> None:
        """Delete the reference, unless it has come to mean another commit."""
        subprocess.run(["git", "update-ref", "-d", self.ref, self.commit], cwd=root, check=True, capture_output=True)

    def __str__(self) -> str:
        return f"experiment {self.name} ({self.commit[:7]})"


@dataclass(frozen=True)
class Leftover:
    """A file or folder outside of Git that a run has left."""

    path: Path
    why: str

    def delete(self, root: Path) -> None:
        """Delete it."""
        path = root / self.path
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def __str__(self) -> str:
        return f"{self.path} ({self.why})"


def find_superfluous(registry: Registry, keep: int, root: Path) -> list[Experiment]:
    """Return a sweep's experiments beyond the newest `keep` of each model on each data set that nothing else names."""
    named = {record.commit for models in registry.models.values() for record in models.values()}
    counts: dict[tuple[str, str], int] = {}
    found = []
    for experiment in _list_experiments(root):
        match = NAME.fullmatch(experiment.name)
        group = match["data"], match["model"]
        counts[group] = counts.get(group, 0) + 1
        if counts[group] > keep and experiment.commit not in named and not _is_reachable(experiment.commit, root):
            found.append(experiment)
    return found


def find_leftovers(days: float, root: Path) -> list[Leftover]:
    """Return copies of experiments that no longer run, and states and logs that are older than so many days."""
    found = []
    if not _runs_experiments(root):
        found += [Leftover(folder, "of an experiment that failed or was killed") for folder in _folders_of_copies(root)]
    limit = time.time() - days * DAY
    for pattern in OLD:
        for path in sorted(root.glob(pattern)):
            if _newest(path) < limit:
                found.append(Leftover(path.relative_to(root), f"older than {days:g} days"))
    return found


def _list_experiments(root: Path) -> Iterator[Experiment]:
    """Yield the experiments of sweeps, the newest first."""
    command = ["git", "for-each-ref", "--sort=-creatordate", "--format=%(refname) %(objectname)", "refs/exps"]
    for line in subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines():
        ref, commit = line.rsplit(" ", 1)
        name = ref.rpartition("/")[2]
        if ref.count("/") == DEPTH and NAME.fullmatch(name):
            yield Experiment(name, ref, commit)


def _is_reachable(commit: str, root: Path) -> bool:
    """Tell whether a branch or a tag, here or as it was seen in a remote, has the commit, or HEAD stands on it."""
    command = ["git", "for-each-ref", f"--contains={commit}", "--count=1", "refs/heads", "refs/tags", "refs/remotes"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    head = ["git", "merge-base", "--is-ancestor", commit, "HEAD"]
    return bool(listed.strip()) or subprocess.run(head, cwd=root, check=False, capture_output=True).returncode == 0


def _folders_of_copies(root: Path) -> list[Path]:
    folders = {copy.note.parent for copy in find_copies(root)}
    folders |= {copy.folder for copy in find_copies(root) if root in copy.folder.parents and copy.folder.is_dir()}
    return sorted(folder.relative_to(root) for folder in folders if root in folder.parents)


def _runs_experiments(root: Path) -> bool:
    """Tell whether any `dvc` works in this repository, whose copies must not be touched."""
    for process in psutil.process_iter():
        try:
            folder = Path(process.cwd())
            if root in (folder, *folder.parents) and any(Path(word).name == "dvc" for word in process.cmdline()[:2]):
                return True
        except psutil.Error:
            continue
    return False


def _newest(path: Path) -> float:
    """Return when a file, or the newest one of a folder, was written."""
    return max(file.stat().st_mtime for file in (path, *path.rglob("*")))
