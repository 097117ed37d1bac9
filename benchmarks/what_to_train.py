"""How much of a pretrained network to train, by the number of images: the table of docs/training.md.

Run    make weights NAME=tf_efficientnet_lite0
       python benchmarks/what_to_train.py cifar10.zip --images 50 200 1000 --seeds 0 1 2
Writes benchmarks/results/what_to_train/<images>-<way>-<seed>.json, metrics of train; a cell that has one is not
       run again
Prints the mean and the range over the seeds.

Four classes of animals at 96 px: 2,500 images of each to draw the training images from, by the seed, and 250 others to
validate on, always the same. Test is not touched.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from workspace import QUIET, REPOSITORY, TRAIN, write_params

RESULTS = REPOSITORY / "benchmarks/results/what_to_train"
CLASSES = ("bird", "cat", "deer", "dog")
POOL = 2500  # images a class, to draw from
VALIDATION = 250  # images a class
COMMON = {
    "model": "tf_efficientnet_lite0",
    "weights": "models/pretrained/tf_efficientnet_lite0.safetensors",
    "normalization": "network",
    "arithmetic": "native",
    "precision": "auto",
    "prepare.image_size": 96,
    "prepare.resample": "bicubic",
    "batch_size": 32,
    "epochs": 4,
    "warmup_epochs": 0.5,
    "lr": 3e-4,
    "weight_decay": 0.01,
    "augment.random_resized_crop": True,
    "augment.horizontal_flip": 0.5,
}
PROBE = {"head_init": "probe", "freeze_batch_norm": True}
WAYS = {
    "probe": PROBE | {"freeze": "backbone", "epochs": 0},
    "head": {"head_init": "zero", "freeze": "backbone", "lr": 1e-2},
    "partial": PROBE | {"freeze": 6},
    "full": PROBE,
    "layer_decay": PROBE | {"layer_decay": 0.75, "lr": 1e-3},
    "progressive": PROBE | {"freeze": "backbone", "unfreeze_epoch": 1, "unfreeze_every": 1},
    "from_zero": {"head_init": "zero", "lr": 1e-3},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="CIFAR-10 as a zip of train/<class>/<image>")
    parser.add_argument("--images", type=int, nargs="+", default=[50, 200], help="training images a class")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    pool = prepare_pool(options.archive)
    for images in options.images:
        for seed in options.seeds:
            for way in options.ways:
                train_cell(pool, images, way, seed)
    print(tabulate())


def prepare_pool(archive: Path) -> Path:
    """Prepare the animals once; return the working folder that holds data/prepared."""
    folder = RESULTS / "pool"
    if (folder / "data/prepared/images.npy").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    order = np.random.default_rng(1)
    with zipfile.ZipFile(archive) as container:
        names = sorted(container.namelist())
        for kind in CLASSES:
            own = [name for name in names if f"train/{kind}/" in name and not name.endswith("/")]
            for place, number in enumerate(order.permutation(len(own))[: POOL + VALIDATION]):
                target = folder / "data/raw/animals" / ("train" if place < POOL else "val") / kind
                target.mkdir(parents=True, exist_ok=True)
                (target / Path(own[number]).name).write_bytes(container.read(own[number]))
    write_params(folder, QUIET | COMMON | {"prepare.source": "data/raw/animals"})
    subprocess.run([sys.executable, REPOSITORY / "stages/prepare.py"], cwd=folder, check=True)
    return folder


def train_cell(pool: Path, images: int, way: str, seed: int) -> None:
    """Train on so many images of each class and keep the metrics, unless they are there."""
    result = RESULTS / f"{images}-{way}-{seed}.json"
    if result.exists():
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data/split").mkdir(parents=True)
        (folder / "data/prepared").symlink_to(pool.resolve() / "data/prepared")
        (folder / "models").mkdir()
        (folder / "models/pretrained").symlink_to(REPOSITORY / "models/pretrained")
        draw_split(pool, images, seed).to_csv(folder / "data/split/split.csv", index=False)
        write_params(folder, COMMON | WAYS[way] | {"seed": seed})
        subprocess.run([sys.executable, TRAIN], cwd=folder, check=True, env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"})
        shutil.copy(folder / "metrics/train.json", result)
    print(f"{images} images a class, {way}, seed {seed}: {read_accuracy(result):.3f}", flush=True)


def draw_split(pool: Path, images: int, seed: int) -> pd.DataFrame:
    """Return split.csv: `images` of each class train, those of validation validate, the rest is left to test."""
    index = pd.read_csv(pool / "data/prepared/index.csv")
    source = np.random.default_rng(seed)
    chosen: set[int] = set()
    for _, rows in index[index["subset"] == "train"].groupby("label"):
        chosen.update(source.permutation(rows.index)[:images])
    index["subset"] = [
        "val" if subset == "val" else "train" if row in chosen else "test" for row, subset in enumerate(index["subset"])
    ]
    return index[["id", "subset"]].assign(fold=-1)


def read_accuracy(result: Path) -> float:
    metrics: dict[str, Any] = json.loads(result.read_text())
    return metrics["best"]["val"]["accuracy"]


def tabulate() -> str:
    """Return the mean of all results, their range and number of seeds, a row a number of images."""
    cells = [(*path.stem.split("-"), read_accuracy(path)) for path in RESULTS.glob("*.json")]
    table = pd.DataFrame(cells, columns=["images", "way", "seed", "accuracy"]).astype({"images": int})
    accuracy = table.groupby(["images", "way"])["accuracy"].agg(["mean", "min", "max", "count"]).reset_index()
    accuracy["cell"] = [
        f"{row['mean']:.3f} ({row['min']:.3f} to {row['max']:.3f}, {row['count']})" for _, row in accuracy.iterrows()
    ]
    return accuracy.pivot(index="images", columns="way", values="cell").to_markdown()


if __name__ == "__main__":
    main()
