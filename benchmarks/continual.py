"""Five further classes for a model that knows five, on a part of CIFAR-10: how near to training on everything.

    python benchmarks/subsets.py cifar10 cifar10.zip
    python benchmarks/continual.py

300 training images a class, 50 for validation, 100 test images; `simple_cnn`, 10 epochs, seeds 0 to 2. The first five
classes by name come first. `everything` goes on from that model too, on all images; `new alone` trains on the new
classes and one image of each other; `rehearsal` on 20 of each other; with distillation it learns the earlier model's
probabilities of its classes besides. Results lie in benchmarks/results/continual, one file a run, so that it goes on
where it was stopped.
"""

import argparse
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from in_one_process import REPOSITORY, accuracy_of, keep, load, mean_and_spread, prepare, train

RESULTS = REPOSITORY / "benchmarks/results/continual"
COUNTS = {"train": 300, "val": 50, "test": 100}  # a class
OLD = ["airplane", "automobile", "bird", "cat", "deer"]
EARLIER = "models/pretrained/first"
RECIPE = {
    "model": "simple_cnn",
    "epochs": 10,
    "batch_size": 64,
    "arithmetic": "native",
    "augment.horizontal_flip": 0.5,
    "keep": "last",
}
GO_ON = {"weights": EARLIER, "normalization": "weights", "head_init": "known", "lr": 1e-3}
REHEARSAL = {"rehearsal": 20, "sampler": "balanced"}
DISTILLATION = {"distill.teacher": EARLIER, "distill.temperature": 2.0, "distill.weight": 0.5}
METHODS = {
    "everything, from scratch": {},
    "everything": GO_ON,
    "new alone": GO_ON | {"rehearsal": 1, "sampler": "shuffle"},
    "rehearsal": GO_ON | REHEARSAL,
    "rehearsal and distillation": GO_ON | REHEARSAL | DISTILLATION,
}
COLUMNS = ("before", "old", "new", "all", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    first, whole = RESULTS / "five", RESULTS / "ten"
    prepare(first, COUNTS, OLD)
    prepare(whole, COUNTS)
    found = {name: [] for name in METHODS}
    for seed in options.seeds:
        earlier = RESULTS / f"first_{seed}"
        before = keep(RESULTS / f"before_{seed}.json", partial(begin, first, earlier, seed))
        for name, changes in METHODS.items():
            work = partial(go_on, whole, earlier, RECIPE | changes | {"seed": seed})
            found[name].append(before | keep(RESULTS / f"{name.replace(' ', '_')}_{seed}.json", work))
            print(name, seed, found[name][-1], flush=True)
    for name, runs in found.items():
        print(f"| {name} | {' | '.join(mean_and_spread([run[key] for run in runs]) for key in COLUMNS)} |")


def begin(folder: Path, earlier: Path, seed: int) -> dict:
    """Train on the first five classes, and keep the model."""
    train(folder, RECIPE | {"seed": seed})
    shutil.rmtree(earlier, ignore_errors=True)
    shutil.copytree(folder / "models/trained", earlier)
    return {"before": accuracy_of(*load(folder))}


def go_on(folder: Path, earlier: Path, changes: dict) -> dict:
    """Train on all ten classes, and judge on test images of the old ones, the new ones, and all."""
    shutil.rmtree(folder / EARLIER, ignore_errors=True)
    shutil.copytree(earlier, folder / EARLIER)
    seconds = train(folder, changes)
    member, pixels, labels = load(folder)
    is_old = np.isin(labels, range(len(OLD)))
    return {
        "old": accuracy_of(member, pixels[is_old], labels[is_old]),
        "new": accuracy_of(member, pixels[~is_old], labels[~is_old]),
        "all": accuracy_of(member, pixels, labels),
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
