"""Compare two models that answer side by side: which is right more often, as far as labels tell by now?

Run    make ab ARGS="--candidate models/next/model.onnx --feedback feedback.csv"
Reads  the service's log of predictions, written with SIGHTLINE_ROLLOUT; both models, for their SHA-256 alone;
       data/predictions/reference.json, for the classes
Writes ab/outcomes.csv    which model was right, image by image or key by key, in the order in which labels came
       ab/ab.json         counts, accuracies, the difference and its interval, the decision
       ab/ab.html         the same, with the interval as it went on

The interval may be looked at after every label: with probability 1 - --alpha it holds at all those looks together.
Exit status: 0 while nothing is decided; 3 the candidate is more often right; 4 it is less often right; 1 for an error,
2 for the options.
"""

import argparse
import sys
from pathlib import Path

from sightline.arguments.numbers import between_0_and_1
from sightline.common.files import write_json, write_text
from sightline.common.params import StageParams
from sightline.common.stage import run_stage
from sightline.monitoring.arms.outcomes import add_new, collect, read_outcomes, write_outcomes
from sightline.monitoring.arms.page import write_page
from sightline.monitoring.arms.verdict import describe, judge, read_block, summarize
from sightline.monitoring.feedback import NO_LABELS, read_feedback
from sightline.monitoring.lines import read_log, sha256_of
from sightline.scoring.reference import read_reference

STATUSES = {"undecided": 0, "better": 3, "worse": 4}


class Params(StageParams):
    """It reads no parameter."""


def main(params: Params) -> None:
    options = read_options()
    out = Path(options.out)
    models = {"current": sha256_of(Path(options.current)), "candidate": sha256_of(Path(options.candidate))}
    known = read_outcomes(out / "outcomes.csv")
    block = read_block(out / "ab.json", models)
    seen = {arm: read_log(Path(options.log), sha256).seen for arm, sha256 in models.items()}
    classes = sorted({*read_reference().classes, *(image.predicted for image in seen["candidate"])})
    labels = read_feedback(Path(options.feedback), classes) if options.feedback else NO_LABELS
    outcomes = add_new(known, collect(seen["current"], seen["candidate"], labels))
    write_outcomes(out / "outcomes.csv", outcomes)
    verdict = judge(outcomes, block, options.alpha)
    write_json(out / "ab.json", summarize(verdict, models))
    write_text(out / "ab.html", write_page(verdict, models, seen))
    print("\n".join(describe(verdict)))
    sys.exit(STATUSES[verdict.decision])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare two models that answer side by side.")
    parser.add_argument("--log", default="logs/predictions", help="the folder of SIGHTLINE_LOG; default: %(default)s")
    parser.add_argument("--current", default="models/exported/model.onnx", help="of SIGHTLINE_MODEL; %(default)s")
    parser.add_argument("--candidate", required=True, help="the file of SIGHTLINE_CANDIDATE")
    parser.add_argument("--feedback", help="a CSV of labels of later: image (SHA-256) or request (id), and label")
    parser.add_argument("--alpha", type=between_0_and_1, default=0.05, help="wrong decisions; default: %(default)s")
    parser.add_argument("--out", default="ab", help="folder; default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    run_stage(main, Params)
