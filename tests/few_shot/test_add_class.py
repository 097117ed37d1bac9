"""make add-class on a tiny trained model: what it writes, what it leaves alone, what it refuses."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from PIL import Image

from add_class import Params, main
from imports import ROOT
from sightline.common.files import read_json, write_json
from sightline.common.stage import run_stage
from sightline.networks.saved import load_members, read_spec
from small_run import CLASSES, make_run

SUBSETS = ("train", "train", "train", "val", "test", "test") * 4


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A repository after evaluate, and three pictures that are red all over, unlike the noise of the other classes."""
    here = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        (here / "params.yaml").write_text((ROOT / "params.yaml").read_text())
        make_run(here, SUBSETS)
    (here / "red").mkdir()
    for number, level in enumerate((200, 220, 240)):
        Image.new("RGB", (20, 16), (level, 0, 0)).save(here / f"red/{number}.png")
    (here / "red/notes.jpg").write_text("no image")
    return here


@pytest.fixture
def add_class(trained, tmp_path, monkeypatch, capsys):
    """Run the command in a copy: exit status, what it printed, the message."""

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["add_class.py", *options])
        status, message = 0, ""
        try:
            run_stage(main, Params)
        except SystemExit as end:
            status, message = 1, str(end.code)
        return status, capsys.readouterr().out, message

    shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return run


def test_the_new_class_is_recognised_and_the_others_keep_their_scores(add_class):
    assert add_class("red", "red")[0] == 0
    spec = read_spec("few_shot/red/trained")
    assert spec.classes == [*CLASSES, "red"]
    (before,), (after,) = (
        load_members("models/trained", read_spec("models/trained")),
        load_members("few_shot/red/trained", spec),
    )
    pixels = torch.from_numpy(np.load("data/prepared/images.npy"))
    with torch.no_grad():
        torch.testing.assert_close(after(pixels)[:, :3], before(pixels), rtol=0, atol=1e-5)
    picture = np.full((1, 16, 16, 3), (230, 0, 0), dtype=np.uint8)
    session = onnxruntime.InferenceSession("few_shot/red/model.onnx")
    assert session.run(None, {"pixels": picture})[0].argmax() == 3
    assert Path("few_shot/red/labels.txt").read_text().splitlines() == spec.classes
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == spec.classes


def test_the_report_is_what_the_new_model_decides(add_class):
    printed = add_class("red", "red")[1]
    report = read_json("few_shot/red/report.json")
    judged = pd.read_csv("few_shot/red/judged.csv")
    predictions = pd.read_csv("data/predictions/predictions.csv")
    assert judged["before"].tolist() == predictions["predicted"].tolist()
    assert report["recognised"] == report["images"] == 3
    test = judged[judged["subset"] == "test"]
    numbers = report["subsets"]["test"]
    assert numbers["accuracy_before"] == pytest.approx((test["before"] == test["label"]).mean())
    assert numbers["accuracy_after"] == pytest.approx((test["after"] == test["label"]).mean())
    assert numbers["taken_for_it"] == (test["after"] == 3).sum() == sum(numbers["confused"].values())
    assert ((test["after"] == test["before"]) | (test["after"] == 3)).all()
    assert "left out, as they are no images: 'notes.jpg'" in printed
    assert "3 images say little of a class" in printed


def test_one_image_is_enough_and_what_it_cannot_tell_is_said(add_class):
    shutil.move("red/0.png", "red/0.jpg")
    for path in ("red/1.png", "red/2.png"):
        Path(path).unlink()
    status, printed, _ = add_class("red", "red")
    assert status == 0
    assert "cannot be told from one image" in printed
    assert read_json("few_shot/red/report.json")["recognised"] is None


def test_images_that_the_data_have_are_told(add_class):
    pixels = np.load("data/prepared/images.npy")
    Image.fromarray(pixels[1]).save("red/9.png")
    index = pd.read_csv("data/prepared/index.csv")
    from sightline.images.duplicates import pixel_hashes

    digests = [digest.tobytes().hex() for digest in pixel_hashes(pixels)]
    index.assign(sha256=digests).to_csv("data/prepared/index.csv", index=False)
    assert "1 of them are in the data already, as bee" in add_class("red", "red")[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("bee", "red"), "add-class: the model knows 'bee' already"),
        (("a/b", "red"), "add-class: 'a/b' is no name of a class"),
        (("red", "nowhere"), "add-class: nowhere does not exist"),
        (("red", "params.yaml"), "add-class: params.yaml must be a folder or one of .zip"),
        (("red", "models"), "add-class: models holds no image that can be read"),
    ],
)
def test_what_cannot_be_added_is_refused_in_one_line(add_class, options, message):
    status, _, said = add_class(*options)
    assert (status, said.count("\n")) == (1, 0)
    assert said.startswith(message)
    assert not Path("few_shot").exists()


def test_a_calibration_of_single_classes_is_refused(add_class):
    calibration = read_json("models/calibration.json")
    write_json("models/calibration.json", calibration | {"method": "vector", "scale": [1, 1, 1], "bias": [0, 0, 0]})
    assert "set evaluate.calibration: temperature" in add_class("red", "red")[2]
