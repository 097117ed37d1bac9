"""What a million images cost, by simulation: a sparse file of black images and an index as prepare would write it."""

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import split
from sightline.common.files import write_json, write_table
from sightline.common.params import load_params
from sightline.images.store import open_pixels, read_index
from sightline.training.batches import Batches
from startup import time_start
from workspace import TRAIN, write_params

COUNTS = (10_000, 100_000, 1_000_000)  # images
SIDE, CLASSES, BATCH = 32, 10, 128
GATHERED = 78  # batches of each count, so that all do the same work
REPEATS = 3
FOLDS = 5


def measure_scaling() -> list[dict[str, Any]]:
    """Return one row a count of images."""
    with tempfile.TemporaryDirectory() as folder:
        return [scale(count, Path(folder) / str(count)) for count in COUNTS]


def scale(count: int, folder: Path) -> dict[str, Any]:
    """Measure gathering and shuffling, the split without reading and writing its tables, and the start of train.py."""
    write_workspace(count, folder)
    params = load_params(split.Params, str(folder / "params.yaml"))
    rows = np.arange(count)
    train = Batches(open_pixels(folder / "data/prepared"), rows, rows % CLASSES, CLASSES, torch.device("cpu"))
    start = time_start([TRAIN], folder)
    return {
        "images": count,
        "gather_us_per_image": fastest(make_gathering(train)) / (GATHERED * BATCH) * 1e6,
        "shuffle_s": fastest(lambda: next(train.shuffled(BATCH, torch.Generator().manual_seed(0), 0.0))),
        "balanced_shuffle_s": fastest(lambda: next(train.shuffled(BATCH, torch.Generator().manual_seed(0), 1.0))),
        **split_seconds(read_index(folder / "data/prepared/index.csv"), params),
        "first_step_s": start.seconds,
        "own_memory_mib": start.peak - start.mapped,
    }


def write_workspace(count: int, folder: Path) -> None:
    """Write what prepare and split leave of so many images that are all different."""
    prepared = folder / "data/prepared"
    prepared.mkdir(parents=True)
    write_params(folder, {"folds": FOLDS, "model": "simple_cnn", "batch_size": BATCH, "keep": "last"})
    index = make_index(count)
    write_table(prepared / "index.csv", index)
    np.lib.format.open_memmap(prepared / "images.npy", "w+", np.uint8, (count, SIDE, SIDE, 3))  # takes no disk space
    how = {"image_size": SIDE, "fit": "crop", "resample": "bilinear", "background": [255, 255, 255]}
    classes = [f"class {label}" for label in range(CLASSES)]
    write_json(prepared / "dataset.json", {"source": "simulated", "classes": classes, "images": count} | how)
    subsets = pd.DataFrame({"id": index["id"], "subset": "train", "fold": -1})
    write_table(folder / "data/split/split.csv", subsets)


def make_index(count: int) -> pd.DataFrame:
    """Return index.csv: labels in turn, random hashes."""
    hashes = np.random.default_rng(0).integers(0, 2**64, (count, 4), dtype=np.uint64)
    labels = np.arange(count) % CLASSES
    return pd.DataFrame(
        {
            "id": [f"class {label}/{number:07d}.jpg" for number, label in enumerate(labels.tolist())],
            "label": labels,
            "class": [f"class {label}" for label in labels.tolist()],
            "group": "",
            "subset": "",
            "width": SIDE,
            "height": SIDE,
            "sha256": [row.tobytes().hex() for row in hashes],
            "phash": [f"{value:016x}" for value in hashes[:, 0].tolist()],
        }
    )


def make_gathering(train: Batches) -> Callable[[], None]:
    """Return a function that reads the first batches of an epoch."""
    chosen = list(itertools.islice(train.shuffled(BATCH, torch.Generator().manual_seed(0), 0.0), GATHERED))

    def gather() -> None:
        for batch in chosen:
            train.take(batch)

    return gather


def split_seconds(index: pd.DataFrame, params: split.Params) -> dict[str, float]:
    """Return the seconds that the parts of the split take, reading and writing of tables not counted."""
    start = time.perf_counter()
    clusters = split.find_clusters(index, params.near_bits)
    found = time.perf_counter()
    subsets = split.assign_subsets(index, clusters, params)
    folds = split.assign_folds(index, clusters, subsets, params)
    assigned = time.perf_counter()
    split.act_on_leaks(split.find_all_leaks(clusters, subsets, folds), params.split)
    end = time.perf_counter()
    return {"duplicates_s": found - start, "split_s": assigned - found, "leaks_s": end - assigned}


def fastest(work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of a few calls, the one least disturbed by other processes."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
