"""The bound of benchmarks/serving.py: decoding and ONNX Runtime in a loop, without a server, with the best batch.

Run as a process: model, folder of images, threads. Each line of standard input is a number of seconds for which it
works, after which it prints what it reached; before the first it has found its batch, and prints that.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from sightline.serving.model import ExportedModel, open_model

BATCHES = (1, 2, 4, 8, 16, 32, 64)
TRIAL = 0.5  # s
LARGEST = 1 << 28  # px

Loop = Callable[[ExportedModel, Iterator[bytes], int], Iterator[int]]  # yields the images of each batch


def main() -> None:
    path, folder, threads = sys.argv[1:]
    model = open_model(path, int(threads))
    files = cycle([file.read_bytes() for file in sorted(Path(folder).iterdir())])
    rates = {
        (name, batch): work(loop(model, files, batch), TRIAL)["rate"]
        for name, loop in LOOPS.items()
        for batch in BATCHES
    }
    name, batch = max(rates, key=rates.get)
    print(json.dumps({"loop": name, "batch": batch}), flush=True)
    for line in sys.stdin:
        print(json.dumps(work(LOOPS[name](model, files, batch), float(line))), flush=True)


def work(batches: Iterator[int], seconds: float) -> dict[str, float]:
    """Return images a second, and microseconds of processor time an image."""
    next(batches)  # the first run of a size is slower
    images = 0
    start = time.perf_counter()
    spent = time.process_time()
    while (took := time.perf_counter() - start) < seconds or not images:
        images += next(batches)
    return {"rate": images / took, "server_us": (time.process_time() - spent) / images * 1e6}


def in_turn(model: ExportedModel, files: Iterator[bytes], batch: int) -> Iterator[int]:
    """Decode a batch, compute it."""
    while True:
        yield len(model.run(decode(model, files, batch)))


def ahead(model: ExportedModel, files: Iterator[bytes], batch: int) -> Iterator[int]:
    """Decode the next batch in another thread while one is computed."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(decode, model, files, batch)
        while True:
            pixels = coming.result()
            coming = pool.submit(decode, model, files, batch)
            yield len(model.run(pixels))


def decode(model: ExportedModel, files: Iterator[bytes], batch: int) -> np.ndarray:
    """Return pixels uint8 [batch, S, S, C]."""
    return np.stack([model.decode(file, LARGEST) for file in islice(files, batch)])


LOOPS: dict[str, Loop] = {"in turn": in_turn, "ahead": ahead}

if __name__ == "__main__":
    main()
