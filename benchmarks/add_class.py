"""A class more from a handful of images: what `make add-class` does to it and to the others, against other ways.

    python benchmarks/few_shot.py cifar10_small --shots 1      # makes the features
    python benchmarks/add_class.py cifar10_small

Each of the ten classes is new once, with 5 images; of the others a probe knows 100 images each. 50 further images of
each class judge. The interval is mean ± 1.96 standard errors over the ten classes.
"""

import argparse

import numpy as np

from few_shot import interval, read_features

KNOWN = 100  # images of each class that the model knows
C = 1e-3  # of the probe
COLUMNS = ("others, before", "others, after", "new class", "mean of both after")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--images", type=int, default=5)
    options = parser.parse_args()
    classes = read_features(options.name)
    runs = [try_class(np.roll(classes, -new - 1, axis=0), options.images, new) for new in range(len(classes))]
    print(f"| way | {' | '.join(COLUMNS)} |")
    for way in runs[0]:
        print(f"| {way} | {' | '.join(interval(column) for column in np.array([run[way] for run in runs]).T)} |")


def try_class(classes: np.ndarray, count: int, seed: int) -> dict[str, tuple[float, ...]]:
    """Return the columns for each way; the last class is the new one."""
    from sightline.training.heads.imprint import imprint
    from sightline.training.heads.prototypes import Prototypes, fit_prototypes
    from sightline.training.recipe.probe import Features, fit_regression

    old = len(classes) - 1
    order = np.random.default_rng(seed).permutation(classes.shape[1])
    learnt = np.concatenate(classes[:old, order[:KNOWN]])
    labels = np.repeat(np.arange(old), KNOWN)
    probe = fit_regression(Features(learnt, labels), C, np.ones(old))
    seen = Features(np.concatenate([learnt, classes[old, order[:count]]]), np.append(labels, np.full(count, old)))
    padded = Prototypes(np.vstack([probe.weight, np.zeros_like(probe.weight[:1])]), np.append(probe.bias, 0.0))
    balanced = np.append(np.ones(old), KNOWN / count)
    ways = {
        "a row of its own (add-class)": imprint(padded, np.arange(old), seen),
        "prototypes of all classes": fit_prototypes(seen, old + 1),
        "probe fitted anew": fit_regression(seen, C, np.ones(old + 1)),
        "probe fitted anew, classes balanced": fit_regression(seen, C, balanced),
    }
    asked = classes[:, order[KNOWN:]]
    before = share_right(probe, asked[:old], np.arange(old))
    found = {}
    for way, head in ways.items():
        after = share_right(head, asked[:old], np.arange(old))
        new = share_right(head, asked[old:], np.array([old]))
        found[way] = (before, after, new, (after + new) / 2)
    return found


def share_right(head, asked: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images [classes, images, features] that a head decides rightly."""
    return float(((asked @ head.weight.T + head.bias).argmax(axis=2) == labels[:, None]).mean())


if __name__ == "__main__":
    main()
