"""What tells one experiment of a sweep from every other: code, data and parameters, as a few letters of its name.

An experiment of that name is the result; so a sweep that was killed, or started again, runs what has none.
"""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sightline.common.errors import SightlineError
from sightline.sweeping.file import SWEEP
from sightline.sweeping.plan import Cell, merge

LETTERS = 8
TABLES = (".csv", ".tsv", ".parquet")  # which name images that lie elsewhere
RAW = Path("data/raw")
PRETRAINED = Path("models/pretrained")
STRANGERS = Path("data/ood")
NO_INPUT = {"gates"}  # what refuses a model and makes none
FILES = {  # keys that may name a file, and below which folder
    "weights": PRETRAINED,
    "distill.teacher": PRETRAINED,
    "prepare.source": RAW,
    "evaluate.ood": STRANGERS,
}


class Identity:
    """Names the experiments of a sweep.

    Parameters
    ----------
    root : Path
        Root of the repository.
    params : dict
        params.yaml as it stands.
    """

    def __init__(self, root: Path, params: dict):
        self._root = root
        self._params = params
        stages = YAML(typ="safe", pure=True).load(root / "dvc.yaml")["stages"].values()
        self._keys = sorted({key for stage in stages for key in stage["params"]} - NO_INPUT | {"launch"})
        self._code = _digest_code(root, {dep for stage in stages for dep in stage["deps"] if dep.startswith("stages/")})

    def name(self, cell: Cell) -> str:
        """Return the experiment's name: data set, model, seed, and a digest of all that it is made from.

        Raises
        ------
        SightlineError
            Images or weights are not versioned, so that DVC's copies of the repository would lack them.
        """
        params = merge(self._params, cell.values)
        parts = [self._code, {key: _value(params, key) for key in self._keys}, self._digest_files(cell, params)]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:LETTERS]
        return f"{cell.data}-{cell.model}-s{cell.seed}-{digest}"

    def _digest_files(self, cell: Cell, params: dict) -> dict[str, str]:
        digests = {}
        for key, folder in FILES.items():
            value = str(_value(params, key) or "")
            if Path(value).is_relative_to(folder):
                where = f"data.{cell.data}" if folder == RAW else f"models.{cell.model}"
                digests[key] = digest_versioned(self._root, value, folder, f"{SWEEP}: {where}")
        return digests


def digest_versioned(root: Path, value: str, folder: Path, where: str) -> str:
    """Return what Git or DVC know a file or folder by.

    Raises
    ------
    SightlineError
        Neither knows it.
    """
    path = Path(value.partition("{")[0])
    if path.suffix in TABLES:
        return json.dumps([file.read_text() for file in sorted((root / folder).glob("**/*.dvc"))])
    for place in (path, *path.parents):
        note = root / f"{place}.dvc"
        if note.is_file() and _is_in_git(root, note):
            return note.read_text(encoding="utf-8")
        if place == folder:
            break
    tracked = _git(root, "ls-files", "--stage", str(path))
    if not tracked:
        there = (root / path).exists()
        get = "put it there (`make weights` has published ones)" if folder == PRETRAINED else "put it there"
        state = "not versioned, and experiments run in copies" if there else f"not found: {get}"
        raise SightlineError(f"{where}: {path}: {state}: `dvc add {path}`, `git add {path}.dvc`")
    return tracked


def _digest_code(root: Path, deps: set[str]) -> str:
    """Return the digest of the modules that stages depend on: tests and commands change nothing."""
    digest = hashlib.sha256()
    for dep in sorted(deps):
        path = root / dep
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _value(params: dict, key: str) -> Any:
    value = params
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_in_git(root: Path, file: Path) -> bool:
    return bool(_git(root, "ls-files", str(file.relative_to(root))))


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
