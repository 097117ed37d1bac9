"""A clone beside the user's files, in which the training runs: what is there stays as it is until a branch is ready."""

import os
import shutil
import subprocess
from pathlib import Path

from sightline.common.errors import SightlineError

NOTE = "retraining"  # a file in the clone's .git: what it is for


def open_copy(root: Path, folder: Path, commit: str, purpose: str) -> bool:
    """Make a clone at a commit, or keep the one of the same purpose; return whether it was there.

    Its DVC has the repository's cache, so that what it makes can be checked out here.
    """
    note = folder / ".git" / NOTE
    if note.exists() and note.read_text() == purpose:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    git(root, "clone", "--quiet", "--no-checkout", str(root), str(folder))
    for key in ("user.name", "user.email"):
        value = ask(root, "config", "--default", "", key)
        if value:
            git(folder, "config", key, value)
    git(folder, "checkout", "--quiet", "--detach", commit)
    if (root / ".dvc/config.local").exists():
        shutil.copyfile(root / ".dvc/config.local", folder / ".dvc/config.local")
    cache = run(["dvc", "cache", "dir"], root).strip()
    run(["dvc", "cache", "dir", "--local", cache], folder)
    note.write_text(purpose)
    return False


def git(folder: Path, *arguments: str) -> None:
    """Run Git; raises SightlineError with what it says."""
    run(["git", *arguments], folder)


def ask(folder: Path, *arguments: str) -> str:
    """Return what Git answers."""
    return run(["git", *arguments], folder).strip()


def run(command: list[str], folder: Path) -> str:
    """Return what a command prints.

    Raises
    ------
    SightlineError
        It is not there, or it fails; with its last line.
    """
    try:
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=os.environ)
    except FileNotFoundError:
        raise SightlineError(f"{command[0]}: not found: run `make`, or activate the environment that has it") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise SightlineError(f"{' '.join(command[:3])}: {said}")
    return done.stdout


def has_branch(root: Path, branch: str) -> bool:
    """Tell whether a branch is there."""
    return bool(ask(root, "for-each-ref", f"refs/heads/{branch}"))


def refuse_changes(root: Path) -> None:
    """Raise SightlineError where the last commit is not what would be trained again, or is not all there."""
    if ask(root, "rev-parse", "--is-shallow-repository") == "true":
        raise SightlineError("this clone is shallow, and cannot be cloned on: `git fetch --unshallow`")
    changed = ask(root, "status", "--porcelain", "--", "params.yaml", "dvc.yaml", "dvc.lock", "stages", "data/raw")
    if changed:
        raise SightlineError(
            f"{changed.split()[-1]}: not as in the last commit, which is trained again: commit it first"
        )
