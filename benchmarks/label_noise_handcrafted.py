"""Measure which wrong labels regressions find on handcrafted features, which no label has touched, on CIFAR-10.

Run    PYTHONPATH=stages python benchmarks/label_noise_handcrafted.py data/raw/cifar10.zip
Prints for both kinds of noise and both rates of benchmarks/label_noise.py precision and recall of the training labels
       that are doubted, a value a seed
"""

import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import torch

from label_noise_data import flip, prepare_clean, read_clean
from sightline.networks.architectures.handcrafted.features import FEATURES, to_levels
from sightline.training.recipe.noise.confident import find_label_issues
from sightline.training.recipe.noise.out_of_fold import predict_out_of_fold
from sightline.training.recipe.probe import Features

SIDE = 32  # px
AT_ONCE = 500  # images
SEEDS = (0, 1, 2)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepare_clean(Path(sys.argv[1]), SIDE, "test", Path(folder))
        table = read_clean(Path(folder))
        training = (table["subset"] == "train").to_numpy()
        open_to_noise = (table["subset"] != "test").to_numpy()
        values = describe(np.load(Path(folder, "data/prepared/images.npy"), mmap_mode="r")[training])
    truth = table["label"].to_numpy()
    classes = truth.max() + 1
    for noise, rate in product(("symmetric", "pair"), (0.4, 0.2)):
        for seed in SEEDS:
            given = truth.copy()
            given[open_to_noise] = flip(given[open_to_noise], classes, noise, rate, seed)
            seen = Features(values, given[training])
            doubted = find_label_issues(seen.labels, predict_out_of_fold(seen, classes))
            wrong = (given != truth)[training]
            precision, recall = wrong[doubted].mean(), wrong[doubted].sum() / wrong.sum()
            print(f"{noise} {rate} seed {seed}: {len(doubted)} doubted, {precision:.4f}, {recall:.4f}", flush=True)


def describe(pixels: np.ndarray) -> np.ndarray:
    """Return gradients, texture and colour, float32 [n, features], of pixels uint8 [n, H, W, 3]."""
    parts = []
    for start in range(0, len(pixels), AT_ONCE):
        images = torch.from_numpy(pixels[start : start + AT_ONCE]).permute(0, 3, 1, 2).float() / 255
        levels = to_levels(images)
        parts.append(torch.cat([compute(levels) for compute, _ in FEATURES.values()], dim=1))
    return torch.cat(parts).numpy()


if __name__ == "__main__":
    main()
