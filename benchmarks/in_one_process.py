"""Small trainings one after the other in one process, since starting one costs more than it; finished ones are kept."""

import csv
import json
import os
import shutil
import sys
import time
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "stages"))
ARCHIVE = REPOSITORY / "data/raw/cifar10_small.zip"  # of benchmarks/subsets.py


def prepare(folder: Path, counts: dict[str, int], classes: list[str] | None = None, archive: Path = ARCHIVE) -> None:
    """Run prepare and split on the first images of each class, so many of each subset; nothing where that is done."""
    if (folder / "data/split/split.csv").is_file():
        return
    (folder / "data/raw").mkdir(parents=True, exist_ok=True)
    target = folder / "data/raw" / archive.name
    if not target.exists():
        os.link(archive, target)
    with (folder / "data/raw/part.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "label", "subset"))
        writer.writerows(list_part(counts, classes, archive))
    from prepare import main as prepare_images
    from sightline.parameters.prepare import PrepareParams
    from sightline.parameters.split import SplitParams
    from split import main as split_images

    set_params(folder, {"prepare.source": "data/raw/part.csv", "split.on_leak": "report"})
    run_in(folder, prepare_images, PrepareParams)
    run_in(folder, split_images, SplitParams)


def list_part(counts: dict[str, int], classes: list[str] | None, archive: Path):
    """Yield path, label and subset; val are the training images behind those of train."""
    found = defaultdict(list)
    for name in sorted(name for name in zipfile.ZipFile(archive).namelist() if not name.endswith("/")):
        subset, label, _ = name.split("/")[-3:]
        if classes is None or label in classes:
            found[subset, label].append(f"{archive.name}/{name}")
    for (subset, label), names in found.items():
        if subset == "test":
            yield from ((name, label, "test") for name in names[: counts["test"]])
        else:
            yield from ((name, label, "train") for name in names[: counts["train"]])
            yield from ((name, label, "val") for name in names[counts["train"] :][: counts["val"]])


def set_params(folder: Path, changes: dict) -> None:
    """Write the repository's params.yaml with changes, `section.key` -> value."""
    from workspace import write_params

    write_params(folder, changes)


def run_in(folder: Path, main, schema) -> None:
    """Run a stage's main in a working folder."""
    from sightline.common.params import load_params

    before = Path.cwd()
    os.chdir(folder)
    try:
        main(load_params(schema))
    finally:
        os.chdir(before)


def train(folder: Path, changes: dict) -> float:
    """Train with changes to params.yaml; return the seconds of processor time."""
    from accelerate.state import AcceleratorState

    from sightline.parameters.train import TrainParams
    from train import main

    set_params(folder, changes)
    AcceleratorState._reset_state(reset_partial_state=True)  # accelerate keeps one state a process
    begun = time.process_time()
    run_in(folder, main, TrainParams)
    shutil.rmtree(folder / ".resume", ignore_errors=True)
    return time.process_time() - begun


def load(folder: Path):
    """Return the trained classifier, and test pixels and labels."""
    from sightline.images.samples import read_samples
    from sightline.images.store import open_pixels
    from sightline.networks.saved import load_members, read_spec

    (member,) = load_members(folder / "models/trained", read_spec(folder / "models/trained"))
    test = read_samples(folder / "data/prepared", folder / "data/split").of("test")
    return member, np.asarray(open_pixels(folder / "data/prepared")[test.row]), test.label


def accuracy_of(member, pixels: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images that a classifier decides rightly."""
    import torch

    from sightline.networks.predict import predict_logits

    logits = predict_logits(member, pixels, np.arange(len(pixels)), 256, torch.device("cpu"))
    return float((logits.argmax(dim=1).numpy() == labels).mean())


def keep(path: Path, measure) -> dict:
    """Return what `measure` gave, now or when it was run before."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        result = measure()
        path.write_text(json.dumps(result))
    return json.loads(path.read_text())


def mean_and_spread(values: list[float]) -> str:
    """Return the mean and the sample deviation of several seeds."""
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else f"{values[0]:.4f}"
