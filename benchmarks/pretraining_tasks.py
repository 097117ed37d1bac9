"""What one process does of the benchmark of pretraining: a cell, or all that a method learns by a seed."""

import argparse
import os
import signal
import time
from collections.abc import Callable

import torch

from pretraining_data import Cell, cell_folder, prepare_cell
from pretraining_jobs import Bench
from pretraining_ways import COMMON, WAYS, pretraining
from sightline.common.device import pick_device  # stages/ is on the path by pretraining_jobs
from sightline.common.errors import SightlineError

LEARNING = ("probe", "tuned")  # ways that begin with pretrained weights
EQUAL_TIME = "scratch_equal_time"
CHANGED = ("epochs", "batch_size", "lr", "temperature", "queue")  # options that replace a method's own

Task = Callable[[argparse.Namespace, float, int, int | str], None]  # options, end (s), seed, method or percent


def begin() -> None:
    """Make a worker ready: time is up as SIGTERM, which a training honours, and the GPU is awake before it is timed."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.signal(signal.SIGTERM, give_up)
    torch.zeros(1, device=pick_device())


def give_up(*_: object) -> None:
    raise SightlineError("time is up: the same command goes on from here")


def prepare(options: argparse.Namespace, end: float, seed: int, percent: int) -> None:
    """Prepare and split the images of a cell."""
    cell = Cell(percent, seed, options.judge)
    prepare_cell(options.archive, cell_folder(options.work, cell), cell)


def learn(options: argparse.Namespace, end: float, seed: int, method: str) -> None:
    """Pretrain, and learn from what came of it with each share of labels, where that is not done."""
    changes = {f"pretrain.{key}": getattr(options, key) for key in CHANGED if getattr(options, key) is not None}
    name = method + options.label
    asked = [way for way in LEARNING if way in options.ways or (way == "tuned" and EQUAL_TIME in options.ways)]
    for percent in options.percent:
        bench = open_bench(options, end, Cell(percent, seed, options.judge), name)
        for way in asked:
            if not bench.has(f"{name}_{way}"):
                learnt = bench.pretrain(name, pretraining(method) | changes)
                bench.train(f"{name}_{way}", WAYS[way][percent], learnt)


def scratch(options: argparse.Namespace, end: float, seed: int, percent: int) -> None:
    """Train from scratch as long as suits it."""
    open_bench(options, end, Cell(percent, seed, options.judge), "scratch").train("scratch", WAYS["scratch"][percent])


def scratch_as_long(options: argparse.Namespace, end: float, seed: int, percent: int) -> None:
    """Train from scratch as long as the slowest method took, which all have been run."""
    bench = open_bench(options, end, Cell(percent, seed, options.judge), "scratch")
    seconds = max(bench.seconds_of(method + options.label) for method in options.method)
    bench.train(EQUAL_TIME, bench.fill(WAYS["scratch"][percent], seconds))


def open_bench(options: argparse.Namespace, end: float, cell: Cell, name: str) -> Bench:
    """Return what runs a cell's jobs until the time is up."""
    signal.setitimer(signal.ITIMER_REAL, max(0.001, end - time.time()))
    return Bench(options.work, options.results, cell, name, COMMON | {"model": options.model})
