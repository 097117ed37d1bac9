"""Tell as Markdown what a change did: parameters, metrics, decisions on the same test images, explanations, files.

Run    make report BASE=main                                    the workspace against a branch, tag, commit, experiment
       python stages/report.py --base v1 --head my-experiment   any two revisions that have results
       python stages/report.py --base main --images-url URL     pictures that lie elsewhere, as in a pull request
       python stages/report.py --base main --fail               status 3 when the newer side misses one of `gates`
Reads  Git, and DVC's cache for predictions and thumbnails: what is not there is said
       params.yaml   seed, evaluate.bins, evaluate.bootstrap and evaluate.confidence, for the intervals; gates
Writes report/report.md and its pictures; it is no stage, so the pipeline never runs it
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from pydantic import Field

from sightline.common.seeding import stream_seed
from sightline.common.stage import run_stage
from sightline.gating.finished import describe_gates, judge_run
from sightline.images.predicted import PREDICTIONS, refuse_other_images
from sightline.parameters.gates import GateParams
from sightline.parameters.paired import Intervals
from sightline.reporting.changes import (
    add_curves,
    add_forgetting,
    add_other_metrics,
    add_parameters,
    add_robustness,
    add_stage,
)
from sightline.reporting.decisions import (
    LISTED,
    MISSING,
    OTHER_CLASSES,
    count_confusion_change,
    describe_confusion_change,
    describe_differences,
    describe_flips,
    describe_pair,
    describe_verdict,
    list_flips,
)
from sightline.reporting.paired import Pair, bootstrap_differences, pair_up
from sightline.reporting.pictures import draw_confusion_change, draw_flips
from sightline.reporting.report import Report
from sightline.reporting.revision import WORKSPACE, Revision

MISSED = 3  # exit status
DRAWN = 30  # classes in the picture of the confusion matrix


class Params(GateParams):
    seed: int = Field(ge=0)
    evaluate: Intervals


def main(params: Params) -> None:
    options = read_options()
    before = Revision(options.base)
    after = Revision(options.head)
    report = Report(Path(options.out), options.images_url)
    report.say(f"## What changed from `{options.base}` to `{options.head}`")
    pair, classes = match(before, after)
    if isinstance(pair, str):
        report.say(pair)
    else:
        report.say(describe_verdict(pair, params.evaluate.confidence))
    verdicts = judge_run(after, params.gates)
    report.say(*describe_gates(verdicts))
    add_parameters(report, before, after)
    if isinstance(pair, Pair):
        add_decisions(report, pair, classes, after, params)
    add_forgetting(report, after)
    add_robustness(report, before, after)
    add_curves(report, before, after)
    add_stage(report, "Explanations", "gradcam", before, after)
    add_stage(report, "Exported files", "export", before, after)
    add_other_metrics(report, before, after)
    print(report.write())
    if options.fail and any(not verdict.passed for verdict in verdicts):
        sys.exit(MISSED)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tell what a change did.")
    parser.add_argument("--base", required=True, help="branch, tag, commit or experiment")
    parser.add_argument("--head", default=WORKSPACE, help="the same; default: %(default)s")
    parser.add_argument("--out", default="report", help="folder; default: %(default)s")
    parser.add_argument("--images-url", default="", help="where the pictures will lie; default: beside report.md")
    parser.add_argument("--fail", action="store_true", help=f"exit with status {MISSED} when a gate is missed")
    return parser.parse_args()


def match(before: Revision, after: Revision) -> tuple[Pair | str, list[str]]:
    """Return the test images that both predicted, or why there is no comparison, and the class names."""
    for side in (before, after):
        if side.read_predictions() is None or side.read_classes() is None:
            return MISSING.format(side.name), []
    classes = after.read_classes()
    if before.read_classes() != classes:
        return OTHER_CLASSES, classes
    pair = pair_up(before.read_predictions(), after.read_predictions())
    return (pair if len(pair) else "The revisions have no test image in common."), classes


def add_decisions(report: Report, pair: Pair, classes: list[str], after: Revision, params: Params) -> None:
    """Add metrics with intervals, flips with thumbnails, and the change of the confusion matrix."""
    options = params.evaluate
    report.say("### Test metrics")
    if options.bootstrap:
        seed = stream_seed(params.seed, "report")
        differences = bootstrap_differences(pair, options.bins, options.bootstrap, options.confidence, seed)
        report.say(*describe_differences(differences, options.confidence))
    report.say(*describe_pair(pair, options.bootstrap))
    flips = list_flips(pair, classes)
    report.say("### Images that became right or wrong")
    add_thumbnails(report, flips, after)
    report.say(*describe_flips(flips))
    change = count_confusion_change(pair, len(classes))
    report.say("### Confusion matrix")
    if len(classes) <= DRAWN and change.any():
        report.draw("confusion", draw_confusion_change(change, classes))
    report.say(*describe_confusion_change(change, classes))


def add_thumbnails(report: Report, flips: dict, after: Revision) -> None:
    """Draw the most telling flips, where the pixels are here."""
    groups = {heading: images.head(LISTED) for heading, images in flips.items() if len(images)}
    ids = after.read_ids() if groups else None
    if ids is None:
        return
    refuse_other_images(pd.concat(groups.values()), ids, f"{after.name}: {PREDICTIONS}")
    pixels = {heading: after.read_pixels(images["row"].tolist()) for heading, images in groups.items()}
    if all(thumbnails is not None for thumbnails in pixels.values()):
        report.draw("flips", draw_flips(groups, pixels, max(len(images) for images in groups.values())))


if __name__ == "__main__":
    run_stage(main, Params)
