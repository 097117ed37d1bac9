"""Sweeps that run, fail, are stopped and are killed: nothing is lost, nothing runs twice."""

import multiprocessing
import random
import threading
import time

from sightline.experiments.copies import find_copies
from sightline.experiments.orphans import end_orphan, find_process
from sightline.experiments.scores import find_experiment
from sightline.sweeping.journal import LOGS, read_runs
from sightline.training.interrupt import StopRequest

NAMES = [f"{data}-{model}-s0-0000000{place}" for place, data in enumerate(("a", "b")) for model in ("x", "y", "z")]
KILLS = 10


def test_all_run_and_their_times_are_noted(pretended):
    said = []
    outcome = pretended.run(NAMES, 2, StopRequest(), said.append)
    assert (outcome.failed, outcome.skipped, outcome.stopped) == ({}, {}, "")
    assert pretended.ended() == sorted(NAMES)
    runs = read_runs(pretended.root)
    assert sorted(run.name for run in runs) == sorted(NAMES)
    assert all(0.15 <= run.seconds < 30 and not run.reason for run in runs)
    assert said[0].startswith("[1/6] a x seed 0: ")
    assert find_copies(pretended.root) == []


def test_a_failure_stops_no_other_and_a_broken_data_set_is_tried_once(pretended):
    names = ["broken-x-s0-1", "a-bad-s0-1", "broken-y-s0-1", "a-x-s0-1"]
    outcome = pretended.run(names, 1, StopRequest())
    assert pretended.ended() == ["a-x-s0-1"]
    assert outcome.failed == {
        "broken x seed 0": f"data/raw/broken.zip: not an archive ({LOGS}/broken-x-s0-1.log)",
        "a bad seed 0": f"params.yaml: lr: too much ({LOGS}/a-bad-s0-1.log)",
    }
    assert outcome.skipped == {"broken": "fails in prepare"}
    assert [run.reason for run in read_runs(pretended.root)][:2] == [
        "data/raw/broken.zip: not an archive",
        "params.yaml: lr: too much",
    ]


def test_a_full_disk_stops_the_sweep(pretended):
    outcome = pretended.run(["a-full-s0-1", "b-x-s0-1", "b-y-s0-1"], 1, StopRequest())
    assert (outcome.stopped, outcome.skipped) == ("the disk is full: free some space", {})
    assert len(pretended.ended()) == 0


def test_a_request_to_stop_ends_what_runs_and_the_next_sweep_does_the_rest(pretended, monkeypatch):
    monkeypatch.setenv("PRETEND", "20")
    stop = StopRequest()
    threading.Timer(0.6, lambda: setattr(stop, "noted", True)).start()
    begun = time.monotonic()
    outcome = pretended.run(NAMES[:2], 2, stop)
    assert time.monotonic() - begun < 15
    assert (outcome.stopped, outcome.failed, pretended.ended()) == ("interrupted", {}, [])
    assert find_copies(pretended.root) == []
    monkeypatch.setenv("PRETEND", "0")
    pretended.run(NAMES[:2], 2, StopRequest())
    assert pretended.ended() == NAMES[:2]


def sweep(pretended, names):
    """Do what stages/sweep.py does between its plan and its report."""
    for name in names:
        end_orphan(name, pretended.root)  # first: one may come to its end until then
    waiting = [name for name in names if find_experiment(name, pretended.root) is None]
    pretended.run(waiting, 2, StopRequest())


def test_kills_at_random_instants_lose_nothing_and_run_nothing_twice(pretended):
    instants = random.Random(0)
    context = multiprocessing.get_context("fork")
    for _ in range(KILLS):
        process = context.Process(target=sweep, args=(pretended, NAMES))
        process.start()
        process.join(instants.uniform(0.05, 0.7))
        process.kill()
        process.join()
    sweep(pretended, NAMES)
    assert all(find_experiment(name, pretended.root) for name in NAMES)
    assert len(pretended.ended()) == len(set(pretended.ended()))
    assert not any(find_process(name, pretended.root) for name in NAMES)
    assert find_copies(pretended.root) == []
