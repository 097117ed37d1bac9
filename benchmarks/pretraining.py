"""What learning without labels gains where few images have one, against training from scratch for the same time.

    python benchmarks/pretraining.py data/raw/cifar10.zip --minutes 9

The first images of each class of CIFAR-10 train, of which 1 % or 10 % keep their label and the rest is the pool; the
labelled ones differ by seed. Each method learns from all of them once a seed; then a linear probe, and fine-tuning from
that probe, on the labelled ones. From scratch the same network learns on the labelled ones for as much processor time
as pretraining and fine-tuning took. All have the augmentation `AUGMENT`; no image of test chooses anything.

A job is done when its file lies in benchmarks/results/pretraining. After --minutes it stops what it is at; run it again
and it goes on from there. Stages run inside of this process, so that no time goes into starting them.
"""

import argparse
import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

from workspace import REPOSITORY, write_params

sys.path.insert(0, str(REPOSITORY / "stages"))
import evaluate
import pretrain
import train
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.parameters.evaluate import EvaluateParams
from sightline.parameters.pretrain import PretrainParams
from sightline.parameters.train import TrainParams

STAGES = {
    "pretrain": (pretrain.main, PretrainParams),
    "train": (train.main, TrainParams),
    "evaluate": (evaluate.main, EvaluateParams),
}
RESULTS = REPOSITORY / "benchmarks/results/pretraining"
CLASSES = 10
TRAIN, TEST = 1000, 200  # images a class
FRACTIONS = (1, 10)  # percent of the training images that have a label
SEEDS = (0, 1, 2)
AUGMENT = {
    "augment.random_resized_crop": True,
    "augment.crop_scale": [0.35, 1.0],
    "augment.horizontal_flip": 0.5,
    "augment.color_jitter": [0.2, 0.2, 0.2, 0.05],
}
ALWAYS = {
    "arithmetic": "native",
    "keep": "last",
    "warmup_epochs": 0,
    "split.val": 0.0,
    "evaluate.map": 0,
    "evaluate.bootstrap": 0,
    "evaluate.calibration": "none",
    "evaluate.conformal": "none",
    "split.on_leak": "report",
    "split.keep_duplicates_together": "none",
    **AUGMENT,
}
FINE_TUNING = {"head_init": "probe", "lr": 3e-4}
TRIAL = 20  # epochs by which the time of one from scratch is found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/")
    parser.add_argument("--work", type=Path, default=Path("/tmp/pretraining"), help="folder for the workspaces")
    parser.add_argument("--methods", nargs="+", default=["simclr"])
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--model", default="simple_cnn")
    parser.add_argument("--epochs", type=int, default=8, help="of pretraining")
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    bench = Bench(options)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # which a training honours
    signal.setitimer(signal.ITIMER_REAL, 60 * options.minutes)
    try:
        for seed in options.seeds:
            for method in options.methods:
                bench.compare(method, seed)
        print("all jobs are done")
    except SightlineError as error:
        sys.exit(str(error))
    finally:
        print(to_table(RESULTS))


class Bench:
    """Runs stages in workspaces; each result is kept, with the processor seconds that it took."""

    def __init__(self, options: argparse.Namespace):
        self.options = options

    def compare(self, method: str, seed: int) -> None:
        """Pretrain once, then probe, fine-tune and train from scratch at each share of labels."""
        weights = self.pretrain(method, seed)
        for percent in FRACTIONS:
            work = self.workspace(percent, seed)
            given = {"weights": f"models/pretrained/{method}.safetensors", "normalization": "weights"}
            for suffix in (".safetensors", ".json"):
                target = work / f"models/pretrained/{method}{suffix}"
                target.parent.mkdir(parents=True, exist_ok=True)
                if percent != FRACTIONS[0]:  # where they were made
                    shutil.copy(weights.with_suffix(suffix), target)
            self.score(f"{method}-probe", percent, seed, {**given, "epochs": 0, "head_init": "probe"})
            epochs = 100 if percent == 1 else 30
            tuned = self.score(f"{method}-tuned", percent, seed, {**given, **FINE_TUNING, "epochs": epochs})
            seconds = self.read(f"pretrain-{method}-{seed}")["seconds"] + tuned["seconds"]
            self.scratch(percent, seed, seconds)

    def pretrain(self, method: str, seed: int) -> Path:
        work = self.workspace(FRACTIONS[0], seed)
        changes = {
            "pretrain.method": method,
            "pretrain.epochs": self.options.epochs,
            "pretrain.batch_size": 128,
            "pretrain.warmup_epochs": 0.5,
        }
        self.job(f"pretrain-{method}-{seed}", work, seed, changes, ["pretrain", "--name", method], lambda: {})
        return work / f"models/pretrained/{method}.safetensors"

    def scratch(self, percent: int, seed: int, seconds: float) -> None:
        """Train for so many processor seconds, whose number of epochs a short trial tells."""
        trial = self.score("trial", percent, seed, {"epochs": TRIAL})["seconds"]
        start = self.score("start", percent, seed, {"epochs": 1})["seconds"]
        epochs = max(TRIAL, round(TRIAL + (seconds - trial) / max(0.01, (trial - start) / (TRIAL - 1))))
        self.score("scratch", percent, seed, {"epochs": epochs})

    def score(self, name: str, percent: int, seed: int, changes: dict) -> dict:
        work = self.workspace(percent, seed)
        labels = percent * TRAIN * CLASSES // 100
        changes = {"batch_size": min(64, labels), **changes}

        def measure() -> dict:
            self.run(work, ["evaluate"])
            return {"accuracy": json.loads((work / "metrics/evaluate.json").read_text())["test"]["accuracy"], **changes}

        return self.job(f"{name}-{percent}-{seed}", work, seed, changes, ["train"], measure)

    def job(
        self, name: str, work: Path, seed: int, changes: dict, command: list[str], measure: Callable[[], dict]
    ) -> dict:
        """Run a command with parameters, unless it is done; keep its processor seconds over all attempts."""
        file = RESULTS / f"{name}.json"
        if file.exists():
            return self.read(name)
        write_params(work, {**ALWAYS, **self.source(), "model": self.options.model, "seed": seed, **changes})
        spent = work / f"{name}.seconds"
        before = float(spent.read_text()) if spent.exists() else 0.0
        begin = time.process_time()
        try:
            self.run(work, command)
        finally:
            seconds = before + time.process_time() - begin
            spent.write_text(str(seconds))
        result = {"seconds": seconds, **measure()}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result))
        print(name, result, flush=True)
        return result

    def read(self, name: str) -> dict:
        return json.loads((RESULTS / f"{name}.json").read_text())

    def run(self, work: Path, command: list[str]) -> None:
        """Run a stage with its arguments in a workspace; SightlineError where it is interrupted."""
        stage, schema = STAGES[command[0]]
        sys.argv[:] = command
        with contextlib.chdir(work), Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            stage(load_params(schema))

    @staticmethod
    def source() -> dict:
        return {"prepare.source": "data/raw/table.csv", "prepare.image_size": 32}

    def workspace(self, percent: int, seed: int) -> Path:
        """Return a folder whose images are prepared and split, made anew where it is not complete."""
        work = self.options.work / f"{percent}-{seed}"
        if (work / "data/split/split.csv").exists():
            return work
        raw = work / "data/raw"
        raw.mkdir(parents=True, exist_ok=True)
        if not (raw / "cifar10.zip").exists():
            os.link(self.options.archive, raw / "cifar10.zip")
        with (raw / "table.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("path", "label", "subset"))
            writer.writerows(list_rows(self.options.archive, percent, seed))
        write_params(work, {**ALWAYS, **self.source(), "seed": seed})
        for stage in ("prepare", "split"):  # apart: a training goes on only where the same modules are loaded
            subprocess.run([sys.executable, REPOSITORY / f"stages/{stage}.py"], cwd=work, check=True)
        return work


def list_rows(archive: Path, percent: int, seed: int) -> list[tuple[str, str, str]]:
    """Return path, label and subset of the images; of the training ones the share `percent` has a label."""
    names = defaultdict(list)
    for name in sorted(zipfile.ZipFile(archive).namelist()):
        subset, label, file = [*name.split("/"), "", ""][:3]
        if file:
            names[subset, label].append(name)
    rows = []
    for (subset, label), files in names.items():
        chosen = files[: TRAIN if subset == "train" else TEST]
        labelled = set(Random(f"{seed}/{label}").sample(chosen, len(chosen) * percent // 100))
        for name in chosen:
            known = subset == "test" or name in labelled
            rows.append((f"cifar10.zip/{name}", label if known else "", subset))
    return rows


def to_table(results: Path) -> str:
    """Return accuracy on test in percent, each seed's, and mean processor seconds, as Markdown."""
    found = defaultdict(list)
    for file in sorted(results.glob("*.json")):
        *name, percent, _ = file.stem.split("-")
        content = json.loads(file.read_text())
        if "accuracy" in content and name[0] not in ("trial", "start"):
            found[percent, "-".join(name)].append((content["accuracy"], content["seconds"]))
    lines = ["| labels | way | accuracy (%) | each seed | s |", "|---|---|---|---|---|"]
    for (percent, name), runs in sorted(found.items(), key=lambda item: (int(item[0][0]), item[0][1])):
        values = [100 * accuracy for accuracy, _ in runs]
        seconds = sum(seconds for _, seconds in runs) / len(runs)
        each = " ".join(f"{value:.1f}" for value in values)
        lines.append(f"| {percent} % | {name} | {sum(values) / len(values):.1f} | {each} | {seconds:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
