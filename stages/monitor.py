"""Watch a service: does what it sees still look like the test images, and how often is it right?

Run    make monitor                                            windows of logs/predictions that are new
       python stages/monitor.py --log LOG --window 500         another folder (SIGHTLINE_LOG), larger windows
       python stages/monitor.py --feedback feedback.csv        labels that came later: image or request, and label;
                                                               they are remembered, as are those in label_next
       python stages/monitor.py --webhook http://127.0.0.1/x   JSON goes there when a new window drifted
Reads  the service's log of predictions, models/exported/model.onnx, or --model, for its SHA-256 alone,
       data/predictions/reference.json; params.yaml: seed, for the permutations
Writes monitor/history.json       every window ever judged, with all tests
       monitor/monitor.html       charts of them, accuracy on the labels, worst slices
       monitor/accuracy.json      the accuracy and the slices of that page
       monitor/labelled/          labels.csv, every image whose label is known, and images/ where
                                  SIGHTLINE_LOG_IMAGES_MB kept them: what `make retrain` learns from
       monitor/label_next/        the same of the images most useful to label: fill the column label in, run it again

Each window is tested as by drift.py, without embeddings, which a service does not have; a window without drift raises
an alarm at most at the rate --alpha. Exit status: 0; 3 where a new window drifted; 1 for an error, 2 for the options.
"""

import argparse
import sys
from pathlib import Path

from sightline.arguments.numbers import between_0_and_1
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_text
from sightline.common.params import Seed, StageParams
from sightline.common.stage import run_stage
from sightline.drifting.compare import LEAST
from sightline.monitoring.alarm import send_alarm
from sightline.monitoring.feedback import NO_LABELS, Rate, join, most_useful, rates, read_feedback
from sightline.monitoring.folders import read_labelled, recall, write_images, write_labelled
from sightline.monitoring.history import read_history, write_history
from sightline.monitoring.lines import Log, read_log, sha256_of
from sightline.monitoring.page import write_page
from sightline.monitoring.windows import Window, cut, judge
from sightline.scoring.reference import read_reference

DRIFTED = 3  # exit status


class Params(StageParams):
    seed: Seed


def main(params: Params) -> None:
    options = read_options()
    out = Path(options.out)
    model = sha256_of(Path(options.model))
    reference = read_reference()
    log = read_log(Path(options.log), model)
    windows = read_history(out / "history.json", model, options.window)
    done = (windows[-1].end, windows[-1].last) if windows else None
    new = [judge(window, reference, options.alpha, params.seed) for window in cut(log.seen, options.window, done)]
    windows += new
    if not windows:
        raise SightlineError(f"{options.log}: {len(log.seen)} images, less than a window: wait, or lower --window")
    classes = list(reference.classes)
    labels = read_feedback(Path(options.feedback), classes) if options.feedback else NO_LABELS
    known = read_labelled(out, classes)
    table = recall(join(log.seen, labels), known)
    accuracy = rates(table)
    notes = describe(log, model, options.window, options.alpha)
    write_history(out / "history.json", model, options.window, windows)
    write_text(out / "monitor.html", write_page(windows, reference, accuracy, notes))
    write_json(out / "accuracy.json", [rate._asdict() for rate in accuracy])
    kept = Path(options.log) / "images"
    write_labelled(out, known, table, kept)
    write_images(out / "label_next", most_useful(table, options.label), kept)
    print("\n".join([*notes, *map(tell_window, new), *map(tell_rate, accuracy[:1])]))
    raise_alarm([window for window in new if window.drift], options.webhook, model)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Watch a service by its log of predictions.")
    parser.add_argument("--log", default="logs/predictions", help="the folder of SIGHTLINE_LOG; default: %(default)s")
    parser.add_argument("--model", default="models/exported/model.onnx", help="that answers; default: %(default)s")
    parser.add_argument("--window", type=at_least_20, default=200, help="images in a window; default: %(default)s")
    parser.add_argument("--alpha", type=between_0_and_1, default=0.01, help="false alarms; default: %(default)s")
    parser.add_argument("--feedback", help="a CSV of labels of later: image (SHA-256) or request (id), and label")
    parser.add_argument("--label", type=int, default=50, help="images to label next, at most; default: %(default)s")
    parser.add_argument("--webhook", type=url, help="URL that gets JSON when a new window drifted")
    parser.add_argument("--out", default="monitor", help="folder; default: %(default)s")
    return parser.parse_args()


def url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("must begin with http:// or https://")
    return text


def at_least_20(text: str) -> int:
    if int(text) < LEAST:
        raise argparse.ArgumentTypeError(f"must be {LEAST} or more: fewer can hardly raise an alarm")
    return int(text)


def describe(log: Log, model: str, size: int, alpha: float) -> list[str]:
    left_out = f"; left out: {log.others} lines of other models, {log.damaged} damaged ones"
    return [
        f"model {model[:16]}: {len(log.seen)} images{left_out if log.others or log.damaged else ''}",
        f"windows of {size} images, of which at most {alpha:.3g} raise a false alarm",
    ]


def tell_window(window: Window) -> str:
    return f"{window.begin} to {window.end}  {', '.join(window.drift) if window.drift else 'no drift'}"


def tell_rate(rate: Rate) -> str:
    return f"accuracy on {rate.images} labels: {rate.accuracy:.1%} (95 %: {rate.low:.1%} to {rate.high:.1%})"


def raise_alarm(drifted: list[Window], webhook: str | None, model: str) -> None:
    if not drifted:
        return
    if webhook:
        send_alarm(webhook, model, drifted)
    sys.exit(DRIFTED)


if __name__ == "__main__":
    run_stage(main, Params)
