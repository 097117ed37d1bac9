"""What an experiment came to: read from its commit and DVC's cache, without running anything."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.common.errors import SightlineError
from sightline.experiments.scores import find_experiment, read_metrics
from sightline.reporting.revision import Revision
from sightline.scoring.metrics.intervals import wilson_interval
from sightline.sweeping.journal import Run, seconds_of
from sightline.sweeping.latency import Clock
from sightline.sweeping.plan import Cell, Job
from sightline.sweeping.registry import MODEL


@dataclass(frozen=True)
class Scores:
    """Of one subset: accuracy with its interval, macro F1, expected calibration error."""

    accuracy: float
    low: float
    high: float
    f1_macro: float
    ece: float


@dataclass(frozen=True)
class Costs:
    """Of the exported model: trained numbers, multiplications with additions for one image, bytes of model.onnx."""

    parameters: int
    macs: int
    size: int


@dataclass(frozen=True)
class File:
    """model.onnx as it lies in DVC's cache: its checksum, and the milliseconds for one image on this machine."""

    sha256: str
    latency: float


@dataclass(frozen=True)
class Result:
    """An experiment that has ended well.

    Parameters
    ----------
    cell : Cell
        What it was asked for.
    name, commit : str
        Its name and its Git commit.
    val, test : Scores
        Models are ranked by `val`; `test` is shown.
    costs : Costs
        What one image costs.
    file : File or None
        None where DVC's cache lacks it: `dvc fetch --all-commits` brings it.
    seconds : float or None
        How long the experiment took here; None where it ran elsewhere.
    """

    cell: Cell
    name: str
    commit: str
    val: Scores
    test: Scores
    costs: Costs
    file: File | None
    seconds: float | None

    @property
    def latency(self) -> float | None:
        """Milliseconds for one image on this machine."""
        return self.file.latency if self.file else None


class Reader:
    """Reads the results of experiments.

    Parameters
    ----------
    root : Path
        Root of the repository.
    runs : list of Run
        What ran here earlier.
    confidence : float
        0..1: of the intervals.
    """

    def __init__(self, root: Path, runs: list[Run], confidence: float):
        self._root = root
        self._runs = runs
        self._confidence = confidence
        self._clock = Clock(root)

    @property
    def machine(self) -> str:
        """The processor on which latencies are measured."""
        return self._clock.machine

    def read_all(self, jobs: list[Job]) -> tuple[list[Result], list[str]]:
        """Return the results that are there, and what is wrong with others."""
        results = []
        complaints = []
        for job in jobs:
            try:
                result = self.read(job.cell, job.name)
            except SightlineError as error:
                complaints.append(f"cannot rank: {error}")
                continue
            results += [result] if result else []
        return results, complaints

    def read(self, cell: Cell, name: str) -> Result | None:
        """Return the result of an experiment, or None where there is none of that name.

        Raises
        ------
        SightlineError
            The experiment has no validation or test images, or its metrics are damaged.
        """
        commit = find_experiment(name, self._root)
        if commit is None:
            return None
        evaluation, export = (read_metrics(commit, stage, self._root) for stage in ("evaluate", "export"))
        try:
            scores = [self._scores(evaluation[subset]) for subset in ("val", "test")]
            costs = Costs(export["parameters"], export["macs"], export["artifacts"]["onnx"]["bytes"])
        except KeyError as error:
            raise SightlineError(
                f"{name}: its metrics have no {error}: a sweep needs validation and test images"
            ) from None
        content = Revision(commit).read(MODEL)
        file = None if content is None else self._describe_file(content)
        return Result(cell, name, commit, *scores, costs, file, seconds_of(name, self._runs))

    def _describe_file(self, content: bytes) -> File:
        sha256 = hashlib.sha256(content).hexdigest()
        return File(sha256, self._clock.measure(content, sha256))

    def _scores(self, found: dict[str, Any]) -> Scores:
        right = round(found["accuracy"] * found["images"])
        low, high = wilson_interval(right, found["images"], self._confidence)
        return Scores(found["accuracy"], float(low), float(high), found["f1_macro"], found["ece"])
