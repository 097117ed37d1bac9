"""Make a long-tailed training set from a balanced one: a CSV that names part of an archive's images.

    python benchmarks/long_tail.py data/raw/cifar10.zip --imbalance 100 --val 0.1
    dvc exp run -S prepare.source=data/raw/cifar10_long_tail_100.csv ...

Class k of C keeps n * imbalance^(-k / (C - 1)) of its n training images, the first ones by name (Cui et al., 2019,
"Class-Balanced Loss Based on Effective Number of Samples"). A share of these goes to val, with the same tail; test
stays whole and balanced.
"""

import argparse
import csv
import zipfile
from collections import defaultdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/ below data/raw")
    parser.add_argument("--imbalance", type=float, required=True, help="largest class over smallest one")
    parser.add_argument("--val", type=float, required=True, help="share of each class's training images for val")
    options = parser.parse_args()
    images = list_images(options.archive)
    rows = [*long_tail(images["train"], options.imbalance, options.val)]
    rows += [(name, label, "test") for label, names in images["test"].items() for name in names]
    target = options.archive.with_name(f"{options.archive.stem}_long_tail_{options.imbalance:g}.csv")
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "label", "subset"))
        writer.writerows((f"{options.archive.name}/{name}", label, subset) for name, label, subset in rows)
    print(f"{target}: {len(rows)} images, {sum(subset == 'train' for *_, subset in rows)} of them for training")


def list_images(archive: Path) -> dict[str, dict[str, list[str]]]:
    """Return subset -> class -> names, sorted."""
    images = {"train": defaultdict(list), "test": defaultdict(list)}
    for name in sorted(zipfile.ZipFile(archive).namelist()):
        subset, label, file = name.split("/")[-3:] if name.count("/") >= 2 else ("", "", "")
        if subset in images and file:
            images[subset][label].append(name)
    return images


def long_tail(classes: dict[str, list[str]], imbalance: float, val: float):
    """Yield (name, label, subset) of the training images that are left, the last share of each class as val."""
    last = max(1, len(classes) - 1)
    for number, (label, names) in enumerate(sorted(classes.items())):
        kept = max(2, round(len(names) * imbalance ** (-number / last)))
        first_val = kept - max(1, round(val * kept))
        for position, name in enumerate(names[:kept]):
            yield name, label, "val" if position >= first_val else "train"


if __name__ == "__main__":
    main()
