"""Latency, throughput and memory of one prediction: torch eager, ONNX Runtime fp32 and int8, by batch and threads.

Run    PYTHONPATH=stages python benchmarks/inference.py --models simple_cnn:32 resnet18:32 --threads 1 2
       simple_cnn:32:flip is the same with test-time augmentation, simple_cnn:32:none:5 an ensemble of five
Writes benchmarks/results/inference.csv    one row a model, runtime, number of threads and batch
       benchmarks/results/inference.md     the same as a table, with the processor and its features
       benchmarks/results/inference.png    images a second by batch

Linux only. Each case runs in a process of its own, so that its peak memory is its own; the runtimes of a case take
turns, window by window, so that a busy machine disturbs all alike. Weights are random: they change neither time nor
memory.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from inference_case import RUNTIMES
from inference_report import describe_machine, draw_throughput, write_markdown

RESULTS = Path(__file__).parent / "results"
CASE = Path(__file__).parent / "inference_case.py"


def main() -> None:
    options = read_options()
    rows = []
    for model in options.models:
        for threads in options.threads:
            for batch in options.batches:
                rows += measure(model, threads, batch, options.seconds)
                print(
                    pd.DataFrame(rows[-len(RUNTIMES) :]).to_string(index=False, header=len(rows) == len(RUNTIMES)),
                    flush=True,
                )
    table = pd.DataFrame(rows)
    RESULTS.mkdir(exist_ok=True)
    table.to_csv(RESULTS / "inference.csv", index=False, lineterminator="\n")
    write_markdown(RESULTS / "inference.md", table, describe_machine())
    draw_throughput(RESULTS / "inference.png", table)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Latency, throughput and memory of one prediction.")
    parser.add_argument(
        "--models", nargs="+", default=["simple_cnn:32", "resnet18:32"], help="name:side[:tta[:members]]"
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each runtime of a case; default: %(default)s")
    return parser.parse_args()


def measure(model: str, threads: int, batch: int, seconds: float) -> list[dict]:
    """Return a row for each runtime: times of all windows together, memory of a process that runs it alone."""
    times = run_case(model, threads, batch, seconds, "time")
    rows = []
    for runtime in RUNTIMES:
        milliseconds = np.array(times[runtime]) * 1e3
        p50, p95 = np.percentile(milliseconds, (50, 95))
        row = {"model": model, "runtime": runtime, "threads": threads, "batch": batch}
        row |= {"p50_ms": round(p50, 3), "p95_ms": round(p95, 3), "images_per_s": round(1e3 * batch / p50, 1)}
        rows.append(row | {"memory_mib": run_case(model, threads, batch, seconds, runtime)["memory_mib"]})
    return rows


def run_case(model: str, threads: int, batch: int, seconds: float, measured: str) -> dict:
    """Return what inference_case.py prints: "time" measures every runtime, a runtime's name its memory."""
    command = [sys.executable, str(CASE), model, str(threads), str(batch), str(seconds), measured]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
