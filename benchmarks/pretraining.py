"""What learning without labels gains where few images have one, against training from scratch for the same time.

Run    python benchmarks/pretraining.py cifar10.zip --minutes 60       again, until it says that all is done
       python benchmarks/pretraining.py cifar10.zip --method simclr moco --epochs 200 --batch-size 512 --jobs 6
Writes benchmarks/results/pretraining/<judge>/<way>-<percent>-<seed>.json, or into --results: accuracy and seconds of
       each job, which a later run takes as they are; methods in other settings need a --label of theirs, and another
       network other folders
Prints the table of docs/few_labels.md

Of the 50,000 images of CIFAR-10 train 1 % or 10 % keep their label, drawn by the seed; the rest is the pool. A method
learns from all of them once a seed; then a linear probe, and fine-tuning from it, on the labelled ones. From scratch
the same network learns on the labelled ones, as long as suits it, and for as much time as pretraining and fine-tuning
took together, with the slowest of the methods. That is processor time, or wall time where a GPU computes. Accuracy is
that of all 10,000 images of test. `--judge train` is for choosing ways: 5,000 images of train are then neither learnt
from nor in the pool, and judge in place of test.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from pretraining_report import tabulate
from pretraining_tasks import EQUAL_TIME, LEARNING, Task, begin, learn, prepare, scratch, scratch_as_long
from pretraining_ways import COMMON, METHODS, PERCENT, WAYS
from sightline.common.errors import SightlineError  # stages/ is on the path by pretraining_tasks
from workspace import REPOSITORY


def main() -> None:
    options = read_options()
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // options.jobs)))
    end = time.time() + 60 * options.minutes
    cells = [(options, end, seed, percent) for seed in options.seeds for percent in options.percent]
    runs = [(options, end, seed, method) for seed in options.seeds for method in options.method]
    try:
        with ProcessPoolExecutor(options.jobs, get_context("spawn"), begin) as pool:
            run_all(pool, [(prepare, cell) for cell in cells])
            learning = [(learn, run) for run in runs if {*LEARNING, EQUAL_TIME} & set(options.ways)]
            run_all(pool, learning + [(scratch, cell) for cell in cells if "scratch" in options.ways])
            run_all(pool, [(scratch_as_long, cell) for cell in cells if EQUAL_TIME in options.ways])
        print("all jobs are done")
    except SightlineError as error:  # such as an interruption
        sys.exit(str(error))
    finally:
        print(tabulate(options.results))


def run_all(pool: ProcessPoolExecutor, tasks: list[tuple[Task, tuple]]) -> None:
    """Run tasks with their arguments; the first failure ends it, as soon as those at work have ended."""
    futures = [pool.submit(task, *arguments) for task, arguments in tasks]
    try:
        for future in futures:
            future.result()
    finally:
        for future in futures:
            future.cancel()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = [*WAYS, EQUAL_TIME]
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/")
    parser.add_argument("--work", type=Path, default=Path("/tmp/pretraining"), help="folder for the workspaces")
    parser.add_argument("--results", type=Path, help="folder of what was measured")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=["simclr"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--percent", nargs="+", type=int, choices=PERCENT, default=list(PERCENT))
    parser.add_argument("--ways", nargs="+", choices=ways, default=ways)
    parser.add_argument("--judge", choices=["test", "train"], default="test", help="whose images tell the accuracy")
    parser.add_argument("--minutes", type=float, default=60, help="after which it stops what it is at")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time, each a process")
    parser.add_argument("--label", default="", help="put behind the names of methods, without -")
    parser.add_argument("--model", default=COMMON["model"], help="of all trainings")
    for name, kind in (("epochs", int), ("batch-size", int), ("lr", float), ("temperature", float), ("queue", int)):
        parser.add_argument(f"--{name}", type=kind, help="of pretraining, in place of each method's own")
    options = parser.parse_args()
    options.results = options.results or REPOSITORY / "benchmarks/results/pretraining" / options.judge
    return options


if __name__ == "__main__":
    main()
