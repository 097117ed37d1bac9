"""What learning without labels gains where few images have one, against training from scratch for the same time.

Run    python benchmarks/pretraining.py cifar10.zip --minutes 60       again, until it says that all is done
Writes benchmarks/results/pretraining/<way>-<percent>-<seed>.json, accuracy and processor seconds of each job, which a
       later run takes as they are
Prints the table of docs/few_labels.md

Of the 50,000 images of CIFAR-10 train 1 % or 10 % keep their label, drawn by the seed; the rest is the pool. A method
learns from all of them once a seed; then a linear probe, and fine-tuning from it, on the labelled ones. From scratch
the same network learns on the labelled ones, as long as suits it, and for as much processor time as pretraining and
fine-tuning took together. Accuracy is that of all 10,000 images of test. `--judge train` is for choosing ways: 5,000
images of train are then neither learnt from nor in the pool, and judge in place of test.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from pretraining_data import Cell
from pretraining_jobs import Bench
from pretraining_report import tabulate
from pretraining_ways import COMMON, PERCENT, WAYS, pretraining
from sightline.common.errors import SightlineError  # stages/ is on the path by pretraining_jobs
from workspace import REPOSITORY

ALL_WAYS = [*WAYS, "scratch_equal_time"]
RESULTS = REPOSITORY / "benchmarks/results/pretraining"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/")
    parser.add_argument("--work", type=Path, default=Path("/tmp/pretraining"), help="folder for the workspaces")
    parser.add_argument("--method", default="simclr")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--percent", nargs="+", type=int, choices=PERCENT, default=list(PERCENT))
    parser.add_argument("--ways", nargs="+", choices=ALL_WAYS, default=ALL_WAYS)
    parser.add_argument("--judge", choices=["test", "train"], default="test", help="whose images tell the accuracy")
    parser.add_argument("--minutes", type=float, default=60, help="after which it stops what it is at")
    options = parser.parse_args()
    results = RESULTS / options.judge
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # which a training honours
    signal.setitimer(signal.ITIMER_REAL, 60 * options.minutes)
    try:
        for percent in options.percent:
            for seed in options.seeds:
                compare(
                    Bench(options.archive, options.work, results, Cell(percent, seed, options.judge), COMMON), options
                )
        print("all jobs are done")
    except SightlineError as error:  # such as an interruption
        sys.exit(str(error))
    finally:
        print(tabulate(results))


def compare(bench: Bench, options: argparse.Namespace) -> None:
    """Run what is asked for of one share of labels and one seed."""
    method = options.method
    ways = {way: changes[bench.cell.percent] for way, changes in WAYS.items()}
    learnt = bench.pretrain(method, pretraining(method))
    for way in options.ways:
        if way == "scratch":
            bench.train("scratch", ways["scratch"])
        elif way == "scratch_equal_time":
            tuned = bench.train(f"{method}_tuned", ways["tuned"], learnt)
            bench.train(way, bench.fill(ways["scratch"], learnt["seconds"] + tuned["seconds"]))
        else:
            bench.train(f"{method}_{way}", ways[way], learnt)


if __name__ == "__main__":
    main()
