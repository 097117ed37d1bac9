"""Whatever decodes, the files of prepare are the same; whatever fails ends in one line."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from imports import ROOT
from prepare import main
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.images.decoding.decode import ROOM
from sightline.parameters.prepare import PrepareParams
from sightline.preparing.executing import cluster
from sightline.preparing.executing.executor import VARIABLE, open_executor
from sightline.preparing.executing.local import open_processes
from sightline.preparing.kept import FOLDER
from sightline.preparing.shards import MOST_IMAGES, Encoded

PATIENCE = 60  # s


@pytest.fixture
def source(photo_folder, set_params, encode):
    """Photos of several shards, small and large, among them damaged, cut and deep ones."""
    for number in range(2 * MOST_IMAGES):
        (photo_folder / f"cat/more_{number:03d}.png").write_bytes(encode((10, 12), seed=number))
    for number in range(MOST_IMAGES):
        (photo_folder / f"dog/more_{number:03d}.jpg").write_bytes(encode((64, 90), "JPEG", seed=number))
    (photo_folder / "dog/bad.png").write_bytes(b"no image")
    (photo_folder / "dog/cut.jpg").write_bytes(encode((64, 90), "JPEG")[:-800])
    (photo_folder / "dog/deep.png").write_bytes(encode(np.arange(900, dtype=np.uint16).reshape(30, 30)))
    changes = {"prepare.truncated": "fill", "prepare.max_bad_fraction": 0.1, "prepare.image_size": 16}
    set_params(**{"prepare.source": "data/raw/photos", **changes})
    return photo_folder


def run(executor, monkeypatch):
    """Run prepare with an executor and return what it wrote, by name."""
    monkeypatch.setenv(VARIABLE, executor)
    shutil.rmtree(FOLDER, ignore_errors=True)
    main(load_params(PrepareParams))
    files = [*Path("data/prepared").iterdir(), *Path("plots/prepare").iterdir(), Path("metrics/prepare.json")]
    return {path.name: path.read_bytes() for path in files}


def test_threads_and_processes_write_the_same_bytes(source, monkeypatch):
    threads = run("threads", monkeypatch)
    assert len(threads) == 9
    assert b"damaged" not in threads["quarantine.csv"]
    assert run("processes", monkeypatch) == threads


@pytest.fixture
def local_cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp"
    ) as started:
        yield started


def test_a_dask_cluster_writes_the_same_bytes(source, monkeypatch, local_cluster):
    assert run(f"dask:{local_cluster.scheduler_address}", monkeypatch) == run("threads", monkeypatch)


def test_workers_of_other_code_and_none_at_all_are_a_line(monkeypatch, local_cluster):
    fingerprints = itertools.count()
    monkeypatch.setattr(cluster, "fingerprint", lambda: str(next(fingerprints)))
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    with open_executor(f"dask:{local_cluster.scheduler_address}") as executor:
        with pytest.raises(SightlineError, match=r"^SIGHTLINE_EXECUTOR: dask:tcp://.* a worker has other code"):
            list(executor.map(len, [[]]))
        local_cluster.scale(0)
        with pytest.raises(SightlineError, match=r"^SIGHTLINE_EXECUTOR: dask:tcp://.* has no workers: start one by"):
            list(executor.map(len, [[]]))


def kill_itself(shard):
    """Die as a process does that the kernel kills when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def room_taken(shard):
    """Return how many pixels all processes together hold while this one holds some."""
    with ROOM.take(shard[0].position):
        return ROOM._tally.held.value, os.getpid()


def test_processes_share_one_room_and_a_killed_one_ends_in_a_line():
    before = ROOM._tally.held.value
    with open_processes() as processes:
        [(held, process)] = processes.map(room_taken, [[Encoded(1000, b"", "")]])
        assert (held, ROOM._tally.held.value) == (1000, before)
        assert process != os.getpid()
        with pytest.raises(SightlineError, match=r"^SIGHTLINE_EXECUTOR: processes: one of them was killed"):
            list(processes.map(kill_itself, [[Encoded(0, b"", "")]]))


@pytest.mark.parametrize("setting", ["thread", "dask", "dask:", "processes:4"])
def test_an_unknown_executor_is_refused(setting):
    with pytest.raises(SightlineError, match=rf"must be threads, processes or dask:<address>.*got '{setting}'"):
        open_executor(setting)


def test_a_cluster_that_is_not_there_is_one_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "REACHED", 1)
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SightlineError, match=rf"^SIGHTLINE_EXECUTOR: dask:{address} cannot be reached: [^\n]+$"):
            open_executor(f"dask:{address}").__enter__()


def test_dask_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        SightlineError, match=r"^SIGHTLINE_EXECUTOR: dask needs `pip install -r requirements-dask.txt`$"
    ):
        open_executor("dask:tcp://127.0.0.1:1").__enter__()


@pytest.fixture
def two_workers(tmp_path):
    """A scheduler and two workers as stages/worker.py starts them; yields its address and the workers' processes."""
    pytest.importorskip("distributed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    worker = [sys.executable, str(ROOT / "stages/worker.py"), address, "--nthreads", "1", "--no-nanny"]
    started = [subprocess.Popen([*scheduler, "--no-dashboard"], stderr=subprocess.DEVNULL)]
    for number in range(2):
        options = ["--no-dashboard", "--local-directory", str(tmp_path / f"worker_{number}")]
        started.append(subprocess.Popen([*worker, *options], stderr=subprocess.DEVNULL))
    yield address, started[1:]
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_worker_that_dies_midway_changes_nothing(source, monkeypatch, two_workers, encode):
    address, workers = two_workers
    for number in range(3000):
        (source / f"cat/large_{number}.jpg").write_bytes(encode((200, 300), "JPEG", seed=number % 20))
    environment = os.environ | {VARIABLE: f"dask:{address}"}
    stage = subprocess.Popen([sys.executable, str(ROOT / "stages/prepare.py")], env=environment)
    wait_for(lambda: size_of(Path("data/prepared/.images.npy.partial")) > 100_000)
    workers[0].kill()
    assert stage.wait(PATIENCE) == 0
    pixels = Path("data/prepared/images.npy").read_bytes()
    assert run("threads", monkeypatch)["images.npy"] == pixels


@pytest.mark.slow
def test_processes_end_with_a_stage_that_is_killed(source, encode):
    for number in range(3000):
        (source / f"cat/large_{number}.jpg").write_bytes(encode((200, 300), "JPEG", seed=number % 20))
    stage = subprocess.Popen(
        [sys.executable, str(ROOT / "stages/prepare.py")], env=os.environ | {VARIABLE: "processes"}
    )
    wait_for(lambda: size_of(Path("data/prepared/.images.npy.partial")) > 100_000)
    children = Path(f"/proc/{stage.pid}/task/{stage.pid}/children").read_text().split()
    assert len(children) >= 2
    stage.kill()
    stage.wait()
    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def size_of(path):
    return path.stat().st_size if path.exists() else 0


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
