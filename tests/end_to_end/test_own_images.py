"""A user's own images, versioned with `dvc add`: in the workspace, in a copy, in the queue, at a colleague's."""

import io
import json
import re
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dvc_repo import STAGES, Repo, ran

COLOURS = ("red", "green", "blue")
IMAGES = "data/raw/colours.zip"
QUEUE_LIMIT = 600  # s


@pytest.fixture(scope="session")
def own(first, tmp_path_factory):
    """A copy with an archive of the user's images, `dvc add`ed and trained on: repo, output."""
    repo = first.repo.copy(tmp_path_factory.mktemp("own") / "repo")
    draw_colours(repo.path / IMAGES)
    repo.dvc("add", IMAGES)
    repo.commit("Own images")
    output = repo.dvc("exp", "run", "-S", f"prepare.source={IMAGES}", "-S", "epochs=3", "-S", "batch_size=8")
    repo.commit("Trained on own images")
    return SimpleNamespace(repo=repo, output=output)


def draw_colours(path):
    """Write a zip of 20 noisy images a class; the class is the brightest channel."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for channel, name in enumerate(COLOURS):
            for number in range(20):
                pixels = random.integers(0, 150, (40, 48, 3), dtype=np.uint8)
                pixels[..., channel] += 100
                stream = io.BytesIO()
                Image.fromarray(pixels).save(stream, "PNG")
                archive.writestr(f"{name}/{number:02d}.png", stream.getvalue())


def test_own_images_are_trained_on(own):
    assert ran(own.output) == STAGES
    prepared = json.loads(own.repo.read("metrics/prepare.json"))
    assert (prepared["images"], prepared["classes"], prepared["quarantined"]) == (60, 3, 0)
    assert json.loads(own.repo.read("metrics/evaluate.json"))["test"]["accuracy"] >= 0.9
    assert own.repo.read("models/exported/labels.txt").split() == sorted(COLOURS)
    assert own.repo.dvc("status").strip() == "Data and pipelines are up to date."


def test_added_images_stay_where_they_are(own):
    assert own.repo.dvc("checkout").strip() == ""  # a rule of .gitignore once made DVC delete them
    assert (own.repo.path / IMAGES).is_file()


def test_own_images_work_in_a_temporary_copy(own):
    output = own.repo.dvc("exp", "run", "--temp", "--name", "temp", "-S", "prepare.image_size=20", "split")
    assert ran(output) == ["prepare", "split"]
    assert own.repo.git("status", "--porcelain") == ""
    assert own.repo.experiments()["temp"]["params"]["params.yaml"]["data"]["prepare"]["image_size"] == 20


def test_own_images_work_in_the_queue(own, tmp_path):
    repo = own.repo.copy(tmp_path / "repo")
    changes = ("-S", "prepare.image_size=24", "-S", "lr=1e-2,1e-3")
    repo.dvc("exp", "run", "--queue", "--name", "queued", *changes, "evaluate")
    repo.dvc("queue", "start")
    try:
        assert sorted(wait_for_queue(repo, 2)) == ["Success", "Success"], repo.dvc("queue", "logs", "queued-1")
    finally:
        repo.dvc("queue", "stop", "--kill")
    found = repo.experiments()
    rates = {name: found[name]["params"]["params.yaml"]["data"]["lr"] for name in ("queued-1", "queued-2")}
    assert rates == {"queued-1": 1e-2, "queued-2": 1e-3}
    assert all("accuracy" in found[name]["metrics"]["metrics/evaluate.json"]["data"]["test"] for name in rates)


def wait_for_queue(repo, tasks):
    """Return the states of all tasks as soon as none of them waits or runs."""
    until = time.monotonic() + QUEUE_LIMIT
    while time.monotonic() < until:
        states = re.findall(r"\b(Queued|Running|Success|Failed)\s*$", repo.dvc("queue", "status"), flags=re.MULTILINE)
        if len(states) == tasks and not {"Queued", "Running"} & set(states):
            return states
        time.sleep(2)
    raise AssertionError(f"the queue did not end within {QUEUE_LIMIT} s:\n{repo.dvc('queue', 'status')}")


def test_a_colleague_pulls_and_has_nothing_to_run(own, tmp_path):
    repo = own.repo.copy(tmp_path / "repo")
    repo.dvc("remote", "add", "--default", "shared", str(tmp_path / "remote"))
    repo.commit("Share")
    repo.dvc("push")
    repo.git("clone", "--quiet", str(repo.path), str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", repo.home)
    clone.dvc("pull")
    assert ran(clone.dvc("repro")) == []
    assert clone.dvc("status").strip() == "Data and pipelines are up to date."
    assert clone.git("status", "--porcelain") == ""
    for name in (IMAGES, "models/exported/model.onnx", "models/calibration.json"):
        assert (clone.path / name).read_bytes() == (repo.path / name).read_bytes()
