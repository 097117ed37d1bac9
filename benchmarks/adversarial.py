"""Adversarial training on a part of CIFAR-10: accuracy on test images as they are and attacked, by method.

    python benchmarks/subsets.py cifar10 cifar10.zip
    python benchmarks/adversarial.py

2,000 training images (200 a class), 500 for validation, 500 test images; `simple_cnn`, seeds 0 to 2. The attack is that
of evaluate, 20 steps of pgd, with the epsilon that was trained against. Results lie in benchmarks/results/adversarial,
one file a run, so that it goes on where it was stopped.
"""

import argparse
from functools import partial

from in_one_process import REPOSITORY, accuracy_of, keep, load, mean_and_spread, prepare, train

RESULTS = REPOSITORY / "benchmarks/results/adversarial"
COUNTS = {"train": 200, "val": 50, "test": 50}  # a class
EPSILON = 4.0  # of 255
STEPS = 20  # of the attack that judges
RECIPE = {
    "model": "simple_cnn",
    "epochs": 12,
    "batch_size": 64,
    "arithmetic": "native",
    "augment.horizontal_flip": 0.5,
    "keep": "last",
    "adversarial.epsilon": EPSILON,
    "adversarial.steps": 4,
}
METHODS = {
    "none": {"adversarial.method": "none"},
    "pgd": {"adversarial.method": "pgd"},
    "trades": {"adversarial.method": "trades"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    found = {name: [] for name in METHODS}
    for seed in options.seeds:
        folder = RESULTS / f"run_{seed}"
        prepare(folder, COUNTS)
        for name, changes in METHODS.items():
            work = partial(measure, folder, RECIPE | changes | {"seed": seed})
            found[name].append(keep(RESULTS / f"{name}_{seed}.json", work))
            print(name, seed, found[name][-1], flush=True)
    for name, runs in found.items():
        columns = (mean_and_spread([run[key] for run in runs]) for key in ("clean", "attacked", "seconds"))
        print(f"| {name} | {' | '.join(columns)} |")


def measure(folder, changes: dict) -> dict:
    """Train, and judge on test images as they are and attacked."""
    import torch

    from sightline.scoring.robustness.attacks import pgd, score_with

    seconds = train(folder, changes)
    member, pixels, labels = load(folder)
    images = member.scale(torch.from_numpy(pixels))
    truth = torch.from_numpy(labels).long()
    stream = torch.Generator().manual_seed(0)
    attacked = pgd(score_with([member]), images, truth, EPSILON / 255, STEPS, stream)
    with torch.no_grad():
        right = member.network(member.normalize(attacked)).argmax(dim=1) == truth
    return {
        "clean": accuracy_of(member, pixels, labels),
        "attacked": float(right.double().mean()),
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
