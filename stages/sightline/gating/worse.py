"""The gate `not_worse_than`: another revision's decisions on the same test images, compared by McNemar's test."""

from dataclasses import dataclass
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.gating.judge import Verdict
from sightline.reporting.paired import mcnemar, pair_up
from sightline.reporting.revision import Revision, StoredPredictions
from sightline.training.resuming.note import repository_of

GATE = "not_worse_than"
KEY = f"params.yaml: gates.{GATE}"


@dataclass(frozen=True)
class Decisions:
    """A run's classes in their order, and its predictions."""

    classes: list[str]
    predictions: StoredPredictions


@dataclass(frozen=True)
class Baseline:
    """The revision that a model must not be worse than, and what it decided."""

    name: str
    decisions: Decisions


def read_baseline(name: str) -> Baseline:
    """Read the predictions of a revision, in a working copy of DVC from the repository that it was made from.

    Raises
    ------
    SightlineError
        Git does not know the revision here, or its predictions are not here.
    """
    root = repository_of(Path.cwd())
    try:
        revision = Revision(name, root)
    except SightlineError as error:
        shallow = "; this clone is shallow: `git fetch --unshallow`" if (root / ".git/shallow").exists() else ""
        raise SightlineError(f"{KEY}: {error}{shallow}") from None
    decisions = read_decisions(revision)
    if decisions is None:
        raise SightlineError(
            f"{KEY}: the predictions of {name} are neither in Git nor in DVC's cache: `dvc fetch --all-commits` "
            "fetches them, `dvc repro` there makes them"
        )
    return Baseline(name, decisions)


def read_decisions(revision: Revision) -> Decisions | None:
    """Return what a revision decided; None where that is not here."""
    classes = revision.read_classes()
    predictions = revision.read_predictions()
    return None if classes is None or predictions is None else Decisions(classes, predictions)


def judge_worse(baseline: Baseline, decisions: Decisions, level: float) -> Verdict:
    """Judge whether a model is surely worse: less accurate on the test images of both, with p below the level.

    What cannot be compared does not pass: other classes, or less than half of the baseline's test images still there.
    """
    name = baseline.name
    wanted = f"not less with p < {level:.6g}"
    if baseline.decisions.classes != decisions.classes:
        return Verdict(GATE, f"{name} has other classes, hence no comparison", wanted, False)
    earlier = baseline.decisions.predictions
    pair = pair_up(earlier, decisions.predictions)
    tested = int((earlier.table["subset"] == "test").sum())
    if not tested or 2 * len(pair) < tested:
        return Verdict(GATE, f"of {tested} test images of {name} only {len(pair)} are still such", wanted, False)
    before, after = pair.right()
    chance = mcnemar(before, after)
    measured = f"test accuracy {after.mean():.6g}, of {name} {before.mean():.6g}, p = {chance:.2g}"
    measured += f" on {len(pair)} images"
    return Verdict(GATE, measured, wanted, after.mean() >= before.mean() or chance >= level)
