"""Watch a service: does what it sees still look like the test images, and how often is it right?

Run    make monitor                                            windows of logs/predictions that are new
       python stages/monitor.py --log LOG --window 500         another folder (SIGHTLINE_LOG), larger windows
       python stages/monitor.py --feedback feedback.csv        labels that came later: image or request, and label
       python stages/monitor.py --webhook http://127.0.0.1/x   JSON goes there when a new window drifted
Reads  the service's log of predictions, models/exported/model.onnx, or --model, for its SHA-256 alone,
       data/predictions/reference.json; params.yaml: seed, for the permutations
Writes monitor/history.json       every window ever judged, with all tests
       monitor/monitor.html       charts of them, accuracy on the labels, worst slices
       monitor/label_next/        labels.csv, the images most useful to label, and images/ where SIGHTLINE_LOG_IMAGES_MB
                                  kept them: fill the column label in, and it is a source for prepare

Each window is tested as by drift.py, without embeddings, which a service does not have; a window without drift raises
an alarm at most at the rate --alpha. Exit status: 0; 3 where a new window drifted; 1 for an error, 2 for the options.
"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.files import write_table, write_text
from sightline.common.params import Seed, StageParams
from sightline.common.stage import run_stage
from sightline.drifting.compare import LEAST
from sightline.monitoring.alarm import send_alarm
from sightline.monitoring.feedback import Rate, join, most_useful, rates, read_feedback
from sightline.monitoring.history import read_history, write_history
from sightline.monitoring.lines import Log, read_log
from sightline.monitoring.page import write_page
from sightline.monitoring.windows import Window, cut, judge
from sightline.scoring.reference import read_reference

DRIFTED = 3  # exit status
NO_LABELS = {"image": {}, "request": {}}


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
    labels = read_feedback(Path(options.feedback), list(reference.classes)) if options.feedback else NO_LABELS
    table = join(log.seen, labels)
    accuracy = rates(table)
    notes = describe(log, model, options.window, options.alpha)
    write_history(out / "history.json", model, options.window, windows)
    write_text(out / "monitor.html", write_page(windows, reference, accuracy, notes))
    write_images(out / "label_next", most_useful(table, options.label), Path(options.log) / "images")
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


def between_0_and_1(text: str) -> float:
    if not 0 < float(text) < 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return float(text)


def url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("must begin with http:// or https://")
    return text


def at_least_20(text: str) -> int:
    if int(text) < LEAST:
        raise argparse.ArgumentTypeError(f"must be {LEAST} or more: fewer can hardly raise an alarm")
    return int(text)


def sha256_of(path: Path) -> str:
    if not path.is_file():
        raise SightlineError(f"{path}: not found: `dvc repro` makes it, `dvc pull` fetches it, or name it by --model")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_images(folder: Path, chosen: pd.DataFrame, kept: Path) -> None:
    """Write a table for prepare whose labels are left to fill in, and the images where the service kept them."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    paths = []
    for name in chosen["image"]:
        file = next(kept.glob(f"{name}.*"), None)
        if file:
            shutil.copyfile(file, folder / "images" / file.name)
        paths.append(f"images/{file.name}" if file else name)
    table = pd.DataFrame(
        {"path": paths, "label": "", "predicted": chosen["predicted"], "margin": chosen["margin"].round(6)}
    )
    write_table(folder / "labels.csv", table)


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
