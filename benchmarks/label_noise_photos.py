"""Measure what wrong labels cost a probe on frozen features, and what is gained by `noise: prune`.

Run    python benchmarks/active_learning_features.py data/raw/ants_bees.zip --test val --size 288 --input 288
       PYTHONPATH=stages python benchmarks/label_noise_photos.py ants_bees_288 --seeds 20
       python benchmarks/active_learning_features.py data/raw/cifar10.zip --test test --size 32 --input 64
       PYTHONPATH=stages python benchmarks/label_noise_photos.py cifar10_64 --seeds 3 --images 1000
Writes benchmarks/results/label_noise/<set>_<images>/<noise>-<rate>-<seed>.json    accuracies, and what was found
       benchmarks/results/label_noise/<set>_<images>.md                            means and deviations over the seeds

A fifth of the images of train/, drawn by the seed, validates with labels as wrong as those of the others; the test
images keep theirs.
"""

import argparse
import json
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np

from label_noise_data import flip
from label_noise_report import row, spread
from sightline.training.recipe.noise.confident import find_surely_wrong
from sightline.training.recipe.noise.out_of_fold import predict_out_of_fold
from sightline.training.recipe.probe import Features, Probe, fit_probe

FEATURES = Path(__file__).resolve().parent / "results/active_learning"
RESULTS = Path(__file__).resolve().parent / "results/label_noise"
VAL = 5  # each so many-th image validates
NOISES = {2: ["symmetric"], 10: ["symmetric", "pair"]}  # classes -> of two both are the same
RATES = {2: [0.3, 0.2, 0.1, 0.0], 10: [0.4, 0.2]}  # of two classes 40 % leave nearly nothing to learn


def main() -> None:
    options = read_options()
    stored = np.load(FEATURES / f"{options.set}.npz")
    labels = stored["labels"]
    test = Features(stored["features"][stored["test"]], labels[stored["test"]])
    train = first_of_each(Features(stored["features"][~stored["test"]], labels[~stored["test"]]), options.images)
    classes = labels.max() + 1
    folder = RESULTS / f"{options.set}_{options.images}"
    folder.mkdir(parents=True, exist_ok=True)
    for seed, rate, noise in product(range(options.seeds), RATES[classes], NOISES[classes]):
        target = folder / f"{noise}-{rate:g}-{seed}.json"
        if not target.exists():
            result = measure(train, test, classes, noise, rate, seed)
            target.write_text(json.dumps(result, indent=1) + "\n")
            print(target.stem, result, flush=True)
    folder.with_suffix(".md").write_text("\n".join(tabulate(folder)) + "\n")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="of benchmarks/results/active_learning")
    parser.add_argument("--seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--images", type=int, default=1000, help="of train a class at most; default: %(default)s")
    return parser.parse_args()


def first_of_each(data: Features, most: int) -> Features:
    """Return the first images of each class."""
    return data[np.sort(np.concatenate([np.flatnonzero(data.labels == label)[:most] for label in set(data.labels)]))]


def measure(train: Features, test: Features, classes: int, noise: str, rate: float, seed: int) -> dict[str, float]:
    """Return the accuracy of a probe on all labels, on those that `prune` keeps, and on the right ones."""
    order = np.random.default_rng(seed).permutation(len(train))
    truth = train.labels[order]
    given = Features(train.values[order], flip(truth, classes, noise, rate, seed))
    held_out = np.arange(len(given)) % VAL == 0
    seen, val = given[~held_out], given[held_out]
    wrong = (given.labels != truth)[~held_out]
    probabilities = predict_out_of_fold(seen, classes)
    left_out = np.zeros(len(seen), dtype=bool)
    left_out[find_surely_wrong(seen.labels, probabilities)] = True
    probes = {
        "none": fit_probe(seen, val, classes, None),
        "prune": fit_probe(seen[~left_out], val, classes, None),
        "right labels alone": fit_probe(seen[~wrong], val, classes, None),
    }
    found = {"left out": int(left_out.sum())}
    if wrong.any():
        found |= {"precision": float(wrong[left_out].mean()), "recall": float(left_out[wrong].mean())}
    return {name: share_right(probe, test) for name, probe in probes.items()} | found


def share_right(probe: Probe, test: Features) -> float:
    """Return the accuracy on the test images."""
    return float((probe.probabilities(test).argmax(axis=1) == test.labels).mean())


def tabulate(folder: Path) -> list[str]:
    """Return a Markdown table: a row a kind of noise, mean and deviation over the seeds of all that was measured."""
    cells = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        cells[path.stem.rpartition("-")[0]].append(json.loads(path.read_text()))
    names = list(dict.fromkeys(name for results in cells.values() for result in results for name in result))
    lines = [row("noise", "seeds", *names), row(*["---"] * (2 + len(names)))]
    for noise, results in cells.items():
        values = [[result[name] for result in results if name in result] for name in names]
        lines.append(row(noise, str(len(results)), *(spread(column) for column in values)))
    return lines


if __name__ == "__main__":
    main()
