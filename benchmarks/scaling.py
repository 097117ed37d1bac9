"""What a million images cost where the machine ends: batches from a sparse file, the epoch's shuffle, the split."""

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
from sightline.common.params import load_params
from sightline.training.batches import Batches
from workspace import write_params

COUNTS = (10_000, 100_000, 1_000_000)  # images
SIDE, CLASSES, BATCH = 32, 10, 128
GATHERED = 78  # batches of each count, so that all do the same work
REPEATS = 3
FOLDS = 5


def measure_scaling() -> list[dict[str, Any]]:
    """Return one row a count: microseconds an image to gather batches, seconds to shuffle and to split."""
    with tempfile.TemporaryDirectory() as name:
        write_params(Path(name), {"folds": FOLDS, "split.keep_duplicates_together": "exact"})
        params = load_params(split.Params, str(Path(name) / "params.yaml"))
        return [scale(count, Path(name), params) for count in COUNTS]


def scale(count: int, folder: Path, params: split.Params) -> dict[str, Any]:
    """Measure everything for so many images."""
    train = make_batches(count, folder / f"{count}.npy")
    index = make_index(count)
    return {
        "images": count,
        "gather_us_per_image": fastest(make_gathering(train)) / (GATHERED * BATCH) * 1e6,
        "shuffle_s": fastest(lambda: next(train.shuffled(BATCH, torch.Generator().manual_seed(0), 0.0))),
        "balanced_shuffle_s": fastest(lambda: next(train.shuffled(BATCH, torch.Generator().manual_seed(0), 1.0))),
        **split_seconds(index, params),
    }


def make_batches(count: int, path: Path) -> Batches:
    """Map a sparse file of so many black images into memory; all of its pages differ, none takes disk space."""
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, SIDE, SIDE, 3))
    return Batches(pixels, np.arange(count), np.arange(count) % CLASSES, CLASSES, torch.device("cpu"))


def make_gathering(train: Batches) -> Callable[[], None]:
    """Return a function that reads the first batches of an epoch."""
    chosen = list(itertools.islice(train.shuffled(BATCH, torch.Generator().manual_seed(0), 0.0), GATHERED))

    def gather() -> None:
        for batch in chosen:
            train.take(batch)

    return gather


def make_index(count: int) -> pd.DataFrame:
    """Return what prepare would know of so many images that are all different."""
    hashes = np.random.default_rng(0).integers(0, 2**64, (count, 4), dtype=np.uint64)
    labels = np.arange(count) % CLASSES
    return pd.DataFrame(
        {
            "label": labels,
            "class": [f"class {label}" for label in labels],
            "group": "",
            "subset": "",
            "sha256": [row.tobytes().hex() for row in hashes],
            "phash": [f"{value:016x}" for value in hashes[:, 0].tolist()],
        }
    )


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
