"""Which models are tuned before they run, each by a study of the tuner's own, and what these have found."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, write_json
from sightline.sweeping.file import SweepFile
from sightline.sweeping.identity import LETTERS, Identity
from sightline.sweeping.plan import Cell

FOLDER = Path("tuning")
TUNED = "tuned.json"  # in the study's folder, once all of its trials are over


@dataclass(frozen=True)
class Asked:
    """A study: a model on a data set, the file of its search space, how many trials."""

    name: str
    cell: Cell
    space: str
    trials: int

    @property
    def title(self) -> str:
        """What it is called when something is said about it."""
        return f"tuning {self.cell.data} {self.cell.model}"

    def read(self, root: Path) -> dict[str, Any] | None:
        """Return the keys and values of the winner, or None while not all trials are over."""
        path = root / FOLDER / self.name / TUNED
        found = read_json(path) if path.is_file() else {"trials": 0}
        return found["values"] if found["trials"] >= self.trials else None

    def write(self, values: dict[str, Any], root: Path) -> None:
        """Note the winner's keys and values: all trials are over."""
        write_json(root / FOLDER / self.name / TUNED, {"trials": self.trials, "values": values})


def plan_studies(sweep: SweepFile, cells: list[Cell], identity: Identity, root: Path) -> list[Asked]:
    """Return the studies of all models that name a search space, each with the first seed; none with `tune: 0`.

    Those whose images or weights are not here are left out: naming their experiments tells why.
    """
    studies = []
    for cell in cells if sweep.tune else ():
        space = sweep.models[cell.model].get("tune")
        if space and cell.seed == sweep.seeds[0]:
            try:
                content = (root / space).read_text(encoding="utf-8")
            except OSError:
                raise SightlineError(f"sweep.yaml: models.{cell.model}: tune: {space}: no such file") from None
            try:
                digest = hashlib.sha256(f"{identity.name(cell)}\n{content}".encode()).hexdigest()[:LETTERS]
            except SightlineError:
                continue
            studies.append(Asked(f"{cell.data}_{cell.model}_{digest}", cell, space, sweep.tune))
    return studies


def with_tuned(cells: Iterable[Cell], studies: list[Asked], root: Path) -> list[Cell]:
    """Return the experiments with what tuning has found for them; without those whose study is not over."""
    by_pair = {(study.cell.data, study.cell.model): study for study in studies}
    ready = []
    for cell in cells:
        study = by_pair.get((cell.data, cell.model))
        found = study.read(root) if study else {}
        if found is not None:
            ready.append(replace(cell, values=cell.values | found | {"seed": cell.seed}))
    return ready
