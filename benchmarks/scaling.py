"""What a million images cost, by simulation: a sparse file of black images and an index as prepare would write it.

Run    PYTHONPATH=stages python benchmarks/scaling.py
Writes benchmarks/results/scaling.json and scaling.md, one row a count of images

Linux only. Processes of their own measure batches read in random order and an epoch's shuffles; the split, then its
whole stage; the memory, without mapped images, of train.py after some steps and of the ideal loop in own.py.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from own import Setting, ideal_loop, train_stage
from training_report import environment, own_memory, to_table
from windows import Run, Window, interleave, started
from workspace import TRAIN, write_params

RESULTS = Path(__file__).parent / "results"
SIDE = 32  # px
CLASSES = 10
BATCH = 128
FOLDS = 5
GATHERED = 78  # batches of each count, so that all do the same work
REPEATS = 3
STEPS = Window(untimed_steps=10, seconds=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", nargs="+", type=int, default=[10_000, 100_000, 1_000_000], help="images")
    rows = []
    for count in parser.parse_args().counts:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(scale(count, Path(folder)))
        print(rows[-1], flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scaling.json").write_text(json.dumps({"environment": environment(), "rows": rows}, indent=2) + "\n")
    (RESULTS / "scaling.md").write_text(to_table(rows) + "\n")


def scale(count: int, folder: Path) -> dict[str, Any]:
    """Measure everything for so many images; seconds, and MiB of memory."""
    alone(write_workspace, count, folder)
    costs = alone(batch_seconds, folder) | alone(split_seconds, folder) | whole_split(folder)
    setting = Setting(folder, folder, "simple_cnn", CLASSES, SIDE, BATCH, bf16=False)
    train, ideal = (peak_memory(partial(run, setting), folder) for run in (train_stage, ideal_loop))
    return {"images": count} | costs | {"train_mib": train, "ideal_mib": ideal, "ratio": train / ideal}


def alone(work: Callable, *arguments: Any) -> Any:
    """Return what a function returns in a new process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def write_workspace(count: int, folder: Path) -> None:
    """Write what prepare and split leave of so many images that are all different."""
    import numpy as np
    import pandas as pd

    from sightline.common.files import write_json, write_table

    hashes = np.random.default_rng(0).integers(0, 2**64, (count, 4), dtype=np.uint64)
    classes = [f"class {label}" for label in range(CLASSES)]
    index = pd.DataFrame({"label": np.arange(count) % CLASSES})
    index["class"] = np.array(classes)[index["label"]]
    index["id"] = [f"{name}/{number:07d}.jpg" for number, name in enumerate(index["class"])]
    index[["group", "subset", "width", "height"]] = "", "", SIDE, SIDE
    index["sha256"] = [row.tobytes().hex() for row in hashes]
    index["phash"] = [f"{value:016x}" for value in hashes[:, 0].tolist()]
    prepared = folder / "data/prepared"
    write_table(prepared / "index.csv", index)
    write_table(folder / "data/split/split.csv", index[["id"]].assign(subset="train", fold=-1))
    np.lib.format.open_memmap(prepared / "images.npy", "w+", np.uint8, (count, SIDE, SIDE, 3))  # takes no disk space
    preprocessing = {"image_size": SIDE, "fit": "crop", "resample": "bilinear", "background": [255, 255, 255]}
    write_json(
        prepared / "dataset.json",
        {"source": "simulated", "classes": classes, "images": count, "preprocessing": preprocessing},
    )
    write_params(folder, {"folds": FOLDS, "model": "simple_cnn", "batch_size": BATCH, "keep": "last"})


def batch_seconds(folder: Path) -> dict[str, float]:
    """Time reading batches, and the shuffles of an epoch."""
    import torch

    from sightline.images.samples import read_samples
    from sightline.images.store import open_pixels
    from sightline.training.batches import Batches

    samples = read_samples(folder / "data/prepared", folder / "data/split")
    pixels = open_pixels(folder / "data/prepared")
    stream = torch.Generator().manual_seed(0)
    train = Batches(pixels, samples.row, samples.label, CLASSES, torch.device("cpu"))
    batches = list(itertools.islice(train.shuffled(BATCH, stream, 0.0), GATHERED))
    return {
        "gather_us_per_image": fastest(lambda: [train.take(batch) for batch in batches]) / (len(batches) * BATCH) * 1e6,
        "shuffle_s": fastest(lambda: next(train.shuffled(BATCH, stream, 0.0))),
        "balanced_shuffle_s": fastest(lambda: next(train.shuffled(BATCH, stream, 1.0))),
    }


def split_seconds(folder: Path) -> dict[str, float]:
    """Time what the split does between reading and writing its tables."""
    import split
    from sightline.common.files import read_columns
    from sightline.common.params import load_params
    from sightline.parameters.split import SplitParams

    params = load_params(SplitParams, str(folder / "params.yaml"))
    index = read_columns(folder / "data/prepared/index.csv", split.COLUMNS)

    def assign() -> None:
        clusters = split.find_clusters(index, params.near_bits)
        units = split.units_of(clusters, params.split.keep_duplicates_together)
        subsets, _ = split.assign_subsets(index, units, params)
        folds = split.assign_folds(index, units, subsets, params)
        split.act_on_leaks(split.find_all_leaks(clusters, subsets, folds), params.split)

    return {"split_s": fastest(assign)}


def whole_split(folder: Path) -> dict[str, float]:
    """Time `python stages/split.py`, and its peak memory; it replaces the split of the workspace."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, Path(TRAIN).with_name("split.py")], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError("split.py failed")
    return {"split_process_s": time.perf_counter() - start, "split_process_mib": usage.ru_maxrss / 1024}


def peak_memory(run: Run, folder: Path) -> float:
    """Return the peak of a training after some steps, in MiB, without the images that are mapped into memory."""
    with started({"train": run}, BATCH, folder) as contenders:
        interleave(contenders, STEPS, rounds=1)
        return own_memory(contenders[0].stop())


def fastest(work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of a few calls, the one least disturbed by other processes."""
    return min(timeit.repeat(work, repeat=REPEATS, number=1))


if __name__ == "__main__":
    main()
