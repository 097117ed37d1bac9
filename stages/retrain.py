"""Train again when the service drifts or labels have come, and propose the new model as a branch.

Run    make retrain                                       if a limit is reached
       python stages/retrain.py --dry-run                 tell what would be done, and do nothing
       python stages/retrain.py --labels 20 --windows 3   other limits
       python stages/retrain.py --force                   whatever the limits
Reads  monitor/: what `make monitor` wrote, and its labelled images; the last commit with its results in DVC's cache
Writes retrain/retrain.json    why, with what, and which branch
       retrain/report/         the report of the new model against the last one, on the same test images
       retrain/train.log       what the training said
       retrain/copy/           a clone in which it runs; it goes when the branch is there
       the branch retrain/<id> with data/raw/retrained.zip.dvc, parameters and results, ready for a pull request

Nothing else changes, whatever happens. After a failure or a kill the same command goes on where it was; with the same
labels the branch has the same name. Exit status: 0 the branch is there, or no limit is reached; 3 the new model misses
`gates` of params.yaml or is surely worse; 4 a limit is reached, but there are too few new labels to learn from;
1 for an error, 2 for the options.
"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from sightline.arguments.numbers import at_least_1
from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.common.params import Seed
from sightline.common.stage import run_stage
from sightline.images.sources.naming import naming_of
from sightline.images.sources.open import open_source
from sightline.parameters.gates import GateParams
from sightline.parameters.prepare import PrepareSection
from sightline.parameters.split import SplitSection
from sightline.reporting.revision import Revision
from sightline.retraining.additions import Additions, find_additions, tabulate
from sightline.retraining.base import Base, read_base
from sightline.retraining.bundle import write_bundle
from sightline.retraining.copy import ask, git, has_branch, open_copy, refuse_changes, run
from sightline.retraining.limits import Limits, find_reasons, read_watched
from sightline.retraining.proposal import compare_on_new, judge, propose, write_report
from sightline.retraining.training import train
from sightline.splitting.assign import draw_by_hash

OUT = Path("retrain")
BUNDLE = "data/raw/retrained.zip"
SOURCE = {"source": BUNDLE, "path": "path", "label": "label", "group": "group", "subset": "subset"}
REFUSED, UNLABELLED = 3, 4  # exit statuses


class Params(GateParams):
    seed: Seed
    prepare: PrepareSection
    split: SplitSection


def main(params: Params) -> None:
    options = read_options()
    root = Path.cwd()
    refuse_changes(root)
    commit = ask(root, "rev-parse", "HEAD")
    before = Revision(commit)
    base = read_base(before)
    seen = set(base.images["sha256"])
    new = find_additions(Path(options.monitor), seen, base.dataset.preprocessing, params.prepare.max_pixels)
    limits = Limits(options.windows, options.labels, options.fall)
    tested = before.read_results("evaluate").get("test", {}).get("accuracy")
    reasons = find_reasons(read_watched(Path(options.monitor)), len(new.images), tested, limits)
    reasons += ["--force"] if options.force else []
    branch = name_branch(commit, new)
    print("\n".join([*(f"because: {reason}" for reason in reasons), new.describe()]))
    stop_where_nothing_is_to_do(reasons, new, options.least, branch, root)
    if options.dry_run:
        print(f"would train {commit[:7]} with these images, for the branch {branch}")
        return
    OUT.mkdir(exist_ok=True)
    try:
        with FileLock(OUT / "lock", timeout=0):
            retrain(params, before, base, new, reasons, branch)
    except Timeout:
        raise SightlineError(f"{OUT}/lock: another retraining works here: wait for it") from None


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train again when the service drifts or labels have come.")
    parser.add_argument("--monitor", default="monitor", help="the folder of `make monitor`; default: %(default)s")
    parser.add_argument("--windows", type=at_least_1, default=2, help="that drifted running; default: %(default)s")
    parser.add_argument("--labels", type=at_least_1, default=100, help="new labelled images; default: %(default)s")
    parser.add_argument("--fall", type=float, default=0.05, help="of accuracy below that of test; default: %(default)s")
    parser.add_argument("--least", type=at_least_1, default=20, help="new images to learn from; default: %(default)s")
    parser.add_argument("--force", action="store_true", help="train whatever the limits")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be done")
    return parser.parse_args()


def name_branch(commit: str, new: Additions) -> str:
    """Return a name that the same commit with the same labels has again."""
    what = [commit, *(f"{image.sha256} {image.label}" for image in new.images)]
    return f"retrain/{hashlib.sha256('/'.join(what).encode()).hexdigest()[:8]}"


def stop_where_nothing_is_to_do(reasons: list[str], new: Additions, least: int, branch: str, root: Path) -> None:
    """End the program where no limit is reached, labels are wanted, or the branch is there already."""
    if not reasons:
        print("no limit is reached: nothing to do")
        sys.exit(0)
    if len(new.images) < least:
        print(f"label {least - len(new.images)} images more, such as those of label_next, then `make monitor` again")
        sys.exit(UNLABELLED)
    if has_branch(root, branch):
        print(f"the branch {branch} is there already")
        sys.exit(0)


def retrain(params: Params, before: Revision, base: Base, new: Additions, reasons: list[str], branch: str) -> None:
    """Train in a copy, and make the branch unless the new model is refused."""
    root = Path.cwd()
    copy = OUT / "copy"
    told = {"commit": before.name, "reasons": reasons, "images": len(new.images), "branch": None}
    added = tabulate(new, draw_sides(new, params))
    open_copy(root, copy, before.name, branch)
    put_data(copy, base, new, added)
    missed = train(copy, {f"prepare.{key}": value for key, value in SOURCE.items()}, OUT / "train.log")
    missed = missed or judge(before, copy, params.gates.not_worse_level)
    told["new images"] = compare_on_new(copy, added)
    report = write_report(copy, before.name[:10], OUT / "report")
    print(f"{told['new images']}\nreport: {report}")
    if missed:
        write_json(OUT / "retrain.json", told | {"refused": missed})
        print(f"refused: {missed}")
        sys.exit(REFUSED)
    propose(copy, root, branch, describe(reasons, new, told["new images"]))
    write_json(OUT / "retrain.json", told | {"branch": branch})
    shutil.rmtree(copy)
    print(f"the branch {branch} is ready: git checkout {branch} && dvc push && git push origin {branch}")


def draw_sides(new: Additions, params: Params) -> list[str]:
    """Return the side of each new image, in the shares of `split` and by its pixels: it never moves.

    Where near duplicates are to stay together all are learnt from: each could be one of an image on any side.
    """
    if params.split.keep_duplicates_together == "near":
        return ["train"] * len(new.images)
    shares = {name: getattr(params.split, name) for name in ("test", "val")}
    shares = {name: share for name, share in shares.items() if share > 0}
    return list(draw_by_hash([image.sha256 for image in new.images], shares, params.seed))


def put_data(copy: Path, base: Base, new: Additions, added: pd.DataFrame) -> None:
    """Put old and new images as one archive into the copy, under DVC."""
    source = open_source(base.dataset.source, naming_of(base.dataset.naming or {}))[1]
    write_bundle(copy / BUNDLE, base, source, new, added["subset"].tolist())
    run(["dvc", "add", "--quiet", BUNDLE], copy)
    git(copy, "add", f"{BUNDLE}.dvc")


def describe(reasons: list[str], new: Additions, outcome: str) -> str:
    lines = [f"Retrain with {len(new.images)} images more", "", *reasons, outcome]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_stage(main, Params)
