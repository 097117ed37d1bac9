"""What learning without labels gains where few images have one, against training from scratch for the same time.

    python benchmarks/pretraining.py data/raw/cifar10.zip --minutes 9

The first images of each class of CIFAR-10 train, of which 1 % or 10 % keep their label and the rest is the pool; the
labelled ones differ by seed. Each method learns from all of them once a seed; then a linear probe, and fine-tuning from
that probe, on the labelled ones. From scratch the same network learns on the labelled ones for as much processor time
as pretraining and fine-tuning took. All have the augmentation `AUGMENT`; no image of test chooses anything.

A job is done when its file lies in benchmarks/results/pretraining: run it again until it says so, as --minutes, after
which it stops what it is at, asks for. Stopped trainings go on where they were.
"""

import argparse
import csv
import json
import os
import resource
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
FINE_TUNING = {"head_init": "probe", "lr": 3e-4, "weight_decay": 0.05}
TRIAL = 20  # epochs by which the time of one from scratch is found


class TimeIsUp(Exception):
    """--minutes are over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/")
    parser.add_argument("--work", type=Path, default=Path("/tmp/pretraining"), help="folder for the workspaces")
    parser.add_argument("--methods", nargs="+", default=["simclr"])
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--model", default="simple_cnn")
    parser.add_argument("--epochs", type=int, default=15, help="of pretraining")
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    bench = Bench(options)
    try:
        for seed in options.seeds:
            for method in options.methods:
                bench.compare(method, seed)
        print("all jobs are done")
    except TimeIsUp:
        print("not done yet: run it again")
        sys.exit(75)
    finally:
        print(to_table(RESULTS))


class Bench:
    """Runs stages in workspaces; each result is kept, with the processor seconds that it took."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.end = time.monotonic() + 60 * options.minutes

    def compare(self, method: str, seed: int) -> None:
        """Pretrain once, then probe, fine-tune and train from scratch at each share of labels."""
        weights = self.pretrain(method, seed)
        for percent in FRACTIONS:
            work = self.workspace(percent, seed)
            given = {"weights": f"models/pretrained/{method}.safetensors", "normalization": "weights"}
            for suffix in (".safetensors", ".json"):
                target = work / f"models/pretrained/{method}{suffix}"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(weights.with_suffix(suffix), target)
            self.score(f"{method}-probe", percent, seed, {**given, "epochs": 0, "head_init": "probe"})
            epochs = 60 if percent == 1 else 20
            tuned = self.score(f"{method}-tuned", percent, seed, {**given, **FINE_TUNING, "epochs": epochs})
            seconds = self.read(f"pretrain-{method}-{seed}")["seconds"] + tuned["seconds"]
            self.scratch(percent, seed, seconds)

    def pretrain(self, method: str, seed: int) -> Path:
        work = self.workspace(FRACTIONS[0], seed)
        changes = {"pretrain.method": method, "pretrain.epochs": self.options.epochs}
        self.job(f"pretrain-{method}-{seed}", work, seed, changes, ["pretrain.py", "--name", method], lambda: {})
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
            self.run(work, ["evaluate.py"])
            return {"accuracy": json.loads((work / "metrics/evaluate.json").read_text())["test"]["accuracy"], **changes}

        return self.job(f"{name}-{percent}-{seed}", work, seed, changes, ["train.py"], measure)

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
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            self.run(work, command)
        finally:
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = before + now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
            spent.write_text(str(seconds))
        result = {"seconds": seconds, **measure()}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result))
        print(name, result, flush=True)
        return result

    def read(self, name: str) -> dict:
        return json.loads((RESULTS / f"{name}.json").read_text())

    def run(self, work: Path, command: list[str]) -> None:
        """Run a script of stages/ to its end, or ask it to stop when time is up."""
        script = [sys.executable, str(REPOSITORY / "stages" / command[0]), *command[1:]]
        process = subprocess.Popen(script, cwd=work, stdout=subprocess.DEVNULL)
        try:
            process.wait(max(1.0, self.end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise TimeIsUp from None
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed in {work}")

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
        for stage in ("prepare.py", "split.py"):
            self.run(work, [stage])
        return work


def list_rows(archive: Path, percent: int, seed: int) -> list[tuple[str, str, str]]:
    """Return path, label and subset of the images; of the training ones the share `percent` has a label."""
    names = defaultdict(list)
    for name in sorted(zipfile.ZipFile(archive).namelist()):
        subset, label, file = (name.split("/") + ["", ""])[:3]
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
