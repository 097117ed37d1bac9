"""Measure what wrong labels cost, how many of them are found, and what is gained against them, on CIFAR-10.

Run    PYTHONPATH=stages python benchmarks/label_noise.py data/raw/cifar10.zip        the cells without a result
       PYTHONPATH=stages python benchmarks/label_noise.py data/raw/cifar10.zip --rates 0.4 --methods none elr --jobs 8
Writes <results>/<model>_<side>_<epochs>_<judge>/
       <noise>-<rate>-<method>-<seed>.json    one cell, when it is done
       <noise>-<rate>-none-<seed>.csv         the labels that plain training doubts
       label_noise.md                         the tables of docs/few_labels.md

10,000 training images, the first 1,000 of each class, a tenth of them for validation; of all these labels a share is
wrong: `symmetric` draws any other class, `pair` takes the next one. What judges keeps its labels, and judges both the
weights after the best epoch, by the wrong labels of validation, and those after the last. `remove` and `relabel` train
a second time, on what label_issues.csv of the first training says, unseen by anybody. Each stage runs in a fork, so
that imports are paid once; cells of a seed come before those of the next.
"""

import argparse
import multiprocessing
import tempfile
import time
from functools import partial
from itertools import product
from pathlib import Path

from ruamel.yaml import YAML

from label_noise_cell import METHODS, Bench, Cell, measure
from label_noise_data import prepare_clean
from label_noise_report import write_tables
from workspace import REPOSITORY

RESULTS = REPOSITORY / "benchmarks/results/label_noise"


def main() -> None:
    options = read_options()
    end = time.monotonic() + 60 * options.minutes
    results = options.results / f"{options.model}_{options.side}_{options.epochs}_{options.judge}"
    results.mkdir(parents=True, exist_ok=True)
    cells = map(Cell._make, product(options.seeds, options.rates, options.methods, options.noises))
    missing = [cell for cell in cells if not (results / f"{cell}.json").exists()]
    changes = {"model": options.model, "epochs": options.epochs, "keep": options.keep}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), results, changes | dict(options.set), end)
        if missing:
            prepare_clean(options.archive, options.side, options.judge, bench.prepared)
        with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
            for line in pool.imap_unordered(partial(measure, bench), missing):
                print(line, flush=True)
    write_tables(results)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of train/<class>/ and test/<class>/")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder; default: %(default)s")
    parser.add_argument("--judge", choices=("test", "train"), default="test", help="train: its further images")
    parser.add_argument("--model", default="simple_cnn", help="default: %(default)s")
    parser.add_argument("--side", type=int, default=32, help="px; default: %(default)s")
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--keep", choices=("best", "last"), default="best", help="the weights that doubt labels")
    parser.add_argument("--set", nargs="*", type=read_change, default=[], help="KEY=VALUE of params.yaml, for all")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["none", "remove", "relabel"])
    parser.add_argument("--noises", nargs="+", choices=("symmetric", "pair"), default=["symmetric", "pair"])
    parser.add_argument("--rates", nargs="+", type=float, default=[0.4, 0.2])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="cells side by side; default: %(default)s")
    parser.add_argument("--minutes", type=float, default=1e9, help="after which no further cell begins")
    return parser.parse_args()


def read_change(text: str) -> tuple[str, object]:
    """Return key and value of KEY=VALUE, the value as YAML has it."""
    key, _, value = text.partition("=")
    return key, YAML(typ="safe").load(value)


if __name__ == "__main__":
    main()
