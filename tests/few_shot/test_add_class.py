"""make add-class on a tiny trained model: what it writes, what it leaves alone, what it refuses."""

import json
import shutil
import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from PIL import Image

from add_class import Params, main
from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.common.files import read_json
from sightline.common.stage import run_stage
from sightline.few_shot.effect import describe
from sightline.few_shot.widen import refuse_unsuitable
from sightline.images.duplicates import pixel_hashes
from sightline.networks.calibration import Calibration
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


def run(*options):
    """Run the command; return its exit status and the message."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["add_class.py", *options])
        try:
            run_stage(main, Params)
        except SystemExit as end:
            return 1, str(end.code)
    return 0, ""


@pytest.fixture(scope="module")
def added(trained):
    """The same after a class was added, one of whose images is a bee of the data."""
    pixels = np.load(trained / "data/prepared/images.npy")
    Image.fromarray(pixels[1]).save(trained / "red/9.png")
    digests = [digest.tobytes().hex() for digest in pixel_hashes(pixels)]
    index = pd.read_csv(trained / "data/prepared/index.csv")
    index.assign(sha256=digests).to_csv(trained / "data/prepared/index.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        assert run("red", "red") == (0, "")
    return trained


def test_the_new_class_is_recognised_and_the_others_keep_their_scores(added):
    spec = read_spec(added / "few_shot/red/trained")
    assert spec.classes == [*CLASSES, "red"]
    (before,) = load_members(added / "models/trained", read_spec(added / "models/trained"))
    (after,) = load_members(added / "few_shot/red/trained", spec)
    pixels = torch.from_numpy(np.load(added / "data/prepared/images.npy"))
    with torch.no_grad():
        torch.testing.assert_close(after(pixels)[:, :3], before(pixels), rtol=0, atol=1e-5)
    picture = np.full((1, 16, 16, 3), (230, 0, 0), dtype=np.uint8)
    session = onnxruntime.InferenceSession(added / "few_shot/red/model.onnx")
    assert session.run(None, {"pixels": picture})[0].argmax() == 3
    assert (added / "few_shot/red/labels.txt").read_text().splitlines() == spec.classes
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == spec.classes


def test_the_report_is_what_the_new_model_decides(added):
    report = read_json(added / "few_shot/red/report.json")
    judged = pd.read_csv(added / "few_shot/red/judged.csv")
    predictions = pd.read_csv(added / "data/predictions/predictions.csv")
    assert judged["before"].tolist() == predictions["predicted"].tolist()
    assert report["images"] == 4
    assert 0 <= report["recognised"] <= 4
    test = judged[judged["subset"] == "test"]
    numbers = report["subsets"]["test"]
    assert numbers["accuracy_before"] == pytest.approx((test["before"] == test["label"]).mean())
    assert numbers["accuracy_after"] == pytest.approx((test["after"] == test["label"]).mean())
    assert numbers["taken_for_it"] == (test["after"] == 3).sum() == sum(numbers["confused"].values())
    assert ((test["after"] == test["before"]) | (test["after"] == 3)).all()
    page = (added / "few_shot/red/report.md").read_text()
    assert "left out, as they are no images that can be read: 'notes.jpg'" in page
    assert "4 images say little of a class" in page
    assert "1 of them are in the data already, as bee" in page


def test_what_one_image_cannot_tell_is_said():
    numbers = {"images": 9, "accuracy_before": 1.0, "accuracy_after": 0.5, "taken_for_it": 5}
    test = numbers | {"taken_for_it_that_were_right": 4, "confused": {"bee": 4, "ant": 1}}
    report = {"class": "red", "images": 1, "recognised": None, "subsets": {"test": test}, "notes": ["odd"]}
    lines = describe(report)
    assert "| test | 9 | 1.0000 | 0.5000 | 5 | 4 |" in lines
    assert "- Whether red itself is recognised cannot be told from one image." in lines
    assert "- Taken for red: bee (4), ant (1)." in lines
    assert lines[-1] == "- odd"
    assert "nothing is known about the other classes" in "".join(describe(report | {"subsets": {}}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("bee", "red"), "add-class: the model knows 'bee' already"),
        ((" Bee ", "red"), "add-class: the model knows 'bee' already"),
        (("nan", "red"), "add-class: 'nan' is no name of a class"),
        (("ü" * 101, "red"), "add-class: 'üüüüüüüüüüüüüüüüüüüü'... is too long for a folder's name"),
        (("a/b", "red"), "add-class: 'a/b' is no name of a class"),
        (("..", "red"), "add-class: '..' is no name of a class"),
        (("red", "nowhere"), "add-class: nowhere does not exist"),
        (("red", "params.yaml"), "add-class: params.yaml must be a folder or one of .zip"),
        (("red", "models"), "add-class: models holds no image that can be read"),
    ],
)
def test_what_cannot_be_added_is_refused_in_one_line(trained, monkeypatch, options, message):
    monkeypatch.chdir(trained)
    status, said = run(*options)
    assert (status, said.count("\n")) == (1, 0)
    assert said.startswith(message)


def test_a_calibration_of_single_classes_is_refused(trained):
    spec = read_spec(trained / "models/trained")
    numbers = {"method": "vector", "temperature": 1.0, "scale": [1.0] * 3, "bias": [0.0] * 3, "images": 9}
    with pytest.raises(SightlineError, match=r"set evaluate\.calibration: temperature"):
        refuse_unsuitable("red", spec, Calibration(**numbers))


def grow(here):
    """Prepare and split as they do after an image has come in front."""
    for name in ("data/prepared/index.csv", "data/split/split.csv"):
        table = pd.read_csv(here / name, keep_default_na=False)
        pd.concat([table.head(1).assign(id="ant/00.png"), table]).to_csv(here / name, index=False)
    pixels = np.load(here / "data/prepared/images.npy")
    np.save(here / "data/prepared/images.npy", np.concatenate([pixels[:1], pixels]))


def relabel(here):
    table = pd.read_csv(here / "data/prepared/index.csv", keep_default_na=False)
    table.loc[3, ["label", "class"]] = [1, "bee"]
    table.to_csv(here / "data/prepared/index.csv", index=False)


@pytest.mark.parametrize("change", [grow, relabel])
def test_predictions_of_other_images_are_refused(trained, tmp_path, monkeypatch, change):
    here = shutil.copytree(trained, tmp_path / "here", ignore=shutil.ignore_patterns("few_shot"))
    change(here)
    monkeypatch.chdir(here)
    status, said = run("red", "red")
    assert status == 1
    assert said == (
        "data/predictions/predictions.csv: is of other images, labels or subsets than data/prepared and data/split "
        "(first 'ant/3.png'): run `dvc repro evaluate`"
    )
    assert not (here / "few_shot").exists()
