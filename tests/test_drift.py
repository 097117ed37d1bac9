import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import evaluate
from drift import Params, main
from imports import ROOT
from sightline.common.files import read_json, write_json
from sightline.common.params import load_params
from sightline.common.stage import run_stage
from sightline.parameters.evaluate import EvaluateParams
from small_run import CLASSES, make_run

SUBSETS = ("train", "val", *["test"] * 60)


@pytest.fixture
def drift(judged, monkeypatch, capsys):
    """Run the command: exit status, standard output, and the message or what else is on standard error."""

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["drift.py", *options])
        status, message = 0, ""
        try:
            run_stage(main, Params)
        except SystemExit as end:
            status, message = (1, end.code) if isinstance(end.code, str) else (end.code, "")
        printed = capsys.readouterr()
        return status, printed.out, message or printed.err

    monkeypatch.chdir(judged)
    return run


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A repository after evaluate, with noise as images, and two folders of new ones: alike, and brighter."""
    here = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        (here / "params.yaml").write_text((ROOT / "params.yaml").read_text())
        make_run(here, SUBSETS)
        index = (here / "data/prepared/index.csv").read_text().splitlines()
        hashed = [f"{line[:-1]}{row:064x},{row:016x}" for row, line in enumerate(index[1:])]
        (here / "data/prepared/index.csv").write_text("\n".join([index[0], *hashed]) + "\n")
        evaluate.main(load_params(EvaluateParams))
    stream = np.random.default_rng(7)
    for number in range(40):
        pixels = stream.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        for name, image in {"alike": pixels, "bright": np.minimum(pixels + np.uint8(40), 255) | pixels}.items():
            (here / name).mkdir(exist_ok=True)
            Image.fromarray(image).save(here / name / f"{number}.png")
    (here / "alike/note.txt").write_text("no image")
    return here


def test_alike_images_raise_no_alarm(judged, drift):
    command = [sys.executable, str(ROOT / "stages/drift.py"), "alike", "--fail"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout
    assert told.startswith("40 images, 1 other files, against 60 test images\n")
    assert told.endswith("no drift\n")
    found = read_json("drift/drift.json")
    assert (found["drift"], found["images"], found["unreadable"]) == (False, 40, 1)
    assert set(found["classes"]) == set(CLASSES)
    assert (judged / "drift/drift.png").stat().st_size > 10_000
    first = {path.name: path.read_bytes() for path in (judged / "drift").iterdir()}
    drift("alike")
    assert {path.name: path.read_bytes() for path in (judged / "drift").iterdir()} == first


def test_brighter_images_do_and_the_status_tells_where_asked(judged, drift):
    status, told, _ = drift("bright", "--out", "elsewhere")
    assert status == 0
    assert "brightness" in told.splitlines()[-1]
    assert json.loads((judged / "elsewhere/drift.json").read_text())["tests"]["brightness"]["drift"] is True
    assert drift("bright", "--out", "elsewhere", "--fail")[0] == 3


def test_bad_inputs_are_one_line(drift, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text("no image")
    for folder, why in {
        "empty": "holds no files",
        "texts": "none of the files can be read as an image",
        "absent": "does not exist",
    }.items():
        status, _, complaint = drift(str(tmp_path / folder))
        assert (status, complaint.count("\n")) == (1, 0)
        assert complaint.startswith("drift: ")
        assert why in complaint
    assert drift("alike", "--most", "5")[2].startswith("drift: 4 images can be read")  # the fifth is the note
    assert drift()[0] == drift("alike", "--alpha", "2")[0] == 2


def test_a_reference_of_another_model_is_refused(drift):
    path = "data/predictions/reference.json"
    good = read_json(path)
    try:
        write_json(path, good | {"classes": {"x": 60}})
        assert "other classes: run `dvc repro evaluate`" in drift("alike")[2]
        short = {name: values[:-1] if name == "mean" else values for name, values in good["embedding"].items()}
        write_json(path, good | {"embedding": short})
        assert "run `dvc repro evaluate`" in drift("alike")[2]
        write_json(path, {"images": 60})
        assert "reference.json (`dvc repro evaluate` makes it anew): classes: is missing" in drift("alike")[2]
    finally:
        write_json(path, good)
