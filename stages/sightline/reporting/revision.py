"""The results of one Git revision, or of the workspace: read from Git where it has them, else from DVC's cache."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev
from dvc_data.index import DataIndexDirError
from ruamel.yaml import YAML

from sightline.common.errors import SightlineError

WORKSPACE = "workspace"
CURVES = "plots/train/epochs.csv"
ABSENT = (OSError, DvcException, DataIndexDirError)  # not in the revision, or not in the cache


@dataclass(frozen=True)
class StoredPredictions:
    """Predictions of a revision: one row an image (id, row, subset, label), and float32 [rows, classes] beside it."""

    table: pd.DataFrame
    probabilities: np.ndarray


class Revision:
    """What a revision holds; a file that neither Git nor DVC's cache has is None.

    Parameters
    ----------
    name : str
        A branch, tag, commit or experiment, or ``workspace``.
    root : Path
        Of the repository.

    Raises
    ------
    SightlineError
        Git knows no such revision.
    """

    def __init__(self, name: str, root: Path = Path()):
        self.name = name
        self._files = DVCFileSystem(str(root), rev=None if name == WORKSPACE else _resolve(name, root))

    def read(self, path: str) -> bytes | None:
        """Return a file's content."""
        try:
            return self._files.read_bytes(path)
        except ABSENT:
            return None

    def names(self, folder: str) -> list[str]:
        """Return the sorted paths of all files below a folder."""
        try:
            return sorted(path.removeprefix("/") for path in self._files.find(folder))
        except ABSENT:
            return []

    def fetch(self, folder: str, target: Path) -> bool:
        """Copy the files below a folder to `target`; tell whether all of them are here."""
        names = self.names(folder)
        contents = {name: self.read(name) for name in names}
        if not names or None in contents.values():
            return False
        for name, content in contents.items():
            path = target / Path(name).relative_to(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return True

    def read_params(self) -> dict:
        """Return params.yaml, flat: {"export.opset": 20}."""
        content = self.read("params.yaml")
        return {} if content is None else flatten(YAML(typ="safe", pure=True).load(content))

    def read_results(self, stage: str) -> dict:
        """Return metrics/<stage>.json; empty where there is none."""
        content = self.read(f"metrics/{stage}.json")
        with self._naming(f"metrics/{stage}.json"):
            return {} if content is None else dict(json.loads(content))

    def read_metrics(self, stage: str) -> dict:
        """Return metrics/<stage>.json, flat: {"test.accuracy": 0.5}."""
        return flatten(self.read_results(stage))

    def read_classes(self) -> list[str] | None:
        """Return the class names in order."""
        content = self.read("data/prepared/dataset.json")
        with self._naming("data/prepared/dataset.json"):
            return None if content is None else json.loads(content)["classes"]

    def read_predictions(self) -> StoredPredictions | None:
        """Return the predictions of validation and test images."""
        table, probabilities = (
            self.read(f"data/predictions/{name}") for name in ("predictions.csv", "probabilities.npy")
        )
        if table is None or probabilities is None:
            return None
        text = {"id": str, "subset": str}
        with self._naming("data/predictions"):
            images = pd.read_csv(io.BytesIO(table), dtype=text, keep_default_na=False)
            return StoredPredictions(images, np.load(io.BytesIO(probabilities)))

    def read_ids(self) -> pd.DataFrame | None:
        """Return id and row of all prepared images."""
        content = self.read("data/prepared/index.csv")
        with self._naming("data/prepared/index.csv"):
            if content is None:
                return None
            ids = pd.read_csv(io.BytesIO(content), usecols=["id"], dtype=str, keep_default_na=False)
        return ids.assign(row=range(len(ids)))

    def read_pixels(self, rows: list[int]) -> np.ndarray | None:
        """Return the stored pixels uint8 [n, H, W, 3] of n > 0 images; only these are read."""
        path = "data/prepared/images.npy"
        try:
            with self._files.open(path) as stream, self._naming(path):
                np.lib.format.read_magic(stream)
                shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
                begin = stream.tell()
                size = int(np.prod(shape[1:])) * dtype.itemsize
                images = []
                for row in rows:
                    stream.seek(begin + row * size)
                    images.append(np.frombuffer(stream.read(size), dtype).reshape(shape[1:]))
        except ABSENT:
            return None
        return np.stack(images)

    def read_curves(self) -> pd.DataFrame:
        """Return learning curves: measure, subset, member, epoch and value; no rows where there are none."""
        content = self.read(CURVES)
        if content is None:
            return pd.DataFrame(columns=["measure", "subset", "member", "epoch", "value"])
        with self._naming(CURVES):
            curves = pd.read_csv(io.BytesIO(content), dtype={"member": str})
        return curves.fillna({"member": ""})

    @contextmanager
    def _naming(self, path: str) -> Iterator[None]:
        """Turn what a damaged file raises into a line that names it."""
        try:
            yield
        except (AttributeError, EOFError, KeyError, TypeError, ValueError):
            raise SightlineError(
                f"{path} of {self.name}: damaged: `dvc repro`, or `git checkout` and `dvc pull`, bring it back"
            ) from None


def flatten(content: dict, prefix: str = "") -> dict:
    """Return nested dictionaries as one, with names joined by dots."""
    flat = {}
    for name, value in content.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _resolve(name: str, root: Path) -> str:
    with Repo(str(root)) as repo:
        try:
            return resolve_rev(repo.scm, name)
        except RevError:
            raise SightlineError(
                f"{name}: no revision of this repository is called so: see `git branch --all`, `dvc exp list`"
            ) from None
