"""What came of a training: whether it may be proposed, what it is worth on the new images, and the branch."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import read_table
from sightline.gating.worse import Baseline, judge_worse, read_decisions
from sightline.reporting.revision import WORKSPACE, Revision
from sightline.retraining.copy import ask, git


def judge(before: Revision, copy: Path, level: float) -> str:
    """Return why the new model is surely worse on the test images of both, or cannot be compared; nothing else."""
    earlier = read_decisions(before)
    later = read_decisions(Revision(WORKSPACE, copy))
    if earlier is None or later is None:
        return f"no comparison: the predictions of {before.name if earlier is None else 'the new model'} are missing"
    verdict = judge_worse(Baseline("the last one", earlier), later, level)
    return "" if verdict.passed else f"surely worse, or not comparable: {verdict.measured}"


def compare_on_new(copy: Path, new: pd.DataFrame) -> str:
    """Return a line about the new images that were not learnt from.

    Parameters
    ----------
    new : pandas.DataFrame
        id, class, predicted (by the service) and subset of each new image.
    """
    classes = read_table(copy / "data/prepared/index.csv", text=("id", "class"), columns=("id", "label", "class"))
    names = dict(zip(classes["label"], classes["class"], strict=True))
    found = read_table(copy / "data/predictions/predictions.csv", text=("id",))
    found = found.assign(now=found["predicted"].map(names)).set_index("id")["now"]
    tested = new[(new["subset"] == "test") & new["id"].isin(found.index)]
    if tested.empty:
        return "none of the new images is a test image"
    before = (tested["predicted"] == tested["class"]).mean()
    after = (tested["id"].map(found) == tested["class"]).mean()
    return f"on {len(tested)} new images that were not learnt from: right before {before:.1%}, now {after:.1%}"


def write_report(copy: Path, commit: str, out: Path) -> Path:
    """Write the paired report of the copy against the commit that it was made from.

    Raises
    ------
    SightlineError
        It cannot be written.
    """
    options = ["--base", commit, "--head", WORKSPACE, "--out", str(out.resolve())]
    done = subprocess.run(
        [sys.executable, "stages/report.py", *options], cwd=copy, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SightlineError(f"stages/report.py: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}")
    return out / "report.md"


def propose(copy: Path, root: Path, branch: str, message: str) -> str:
    """Commit what the training made, as a branch of the repository; return the commit."""
    git(copy, "add", "--all")
    if ask(copy, "status", "--porcelain"):
        git(copy, "commit", "--quiet", "--message", message)
    commit = ask(copy, "rev-parse", "HEAD")
    git(copy, "push", "--quiet", str(root), f"HEAD:refs/heads/{branch}")
    return commit
