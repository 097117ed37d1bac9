"""`make eda`: one page of what prepare stored, for colours, grey images and one class; one line where there is none."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eda import Params, main
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_table
from sightline.common.params import load_params
from sightline.images.duplicates import perceptual_hashes
from sightline.images.pool import COLUMNS
from small_run import make_run

NAMES = ("ant", "bée & co")


@pytest.fixture
def eda(workspace, monkeypatch):
    """Run the command: the page, and eda.json."""

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["eda.py", *options])
        main(load_params(Params))
        return Path("eda/eda.html").read_text(), json.loads(Path("eda/eda.json").read_text())

    return run


def prepare(labels, channels=3, group=""):
    """Write data/prepared: noise of 16 px, the last image a copy of the first."""
    shape = (len(labels), 16, 16, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pixels[-1] = pixels[0]
    hashes = [f"{value:016x}" for value in perceptual_hashes(pixels)]
    ids = [f"{row}.png" for row in range(len(labels))]
    index = {"id": ids, "label": labels, "class": np.array(NAMES)[labels], "group": group, "subset": ""}
    index |= {"width": 40, "height": np.r_[[30] * (len(labels) - 1), 20], "sha256": "0", "phash": hashes}
    write(Path("data/prepared"), pixels, pd.DataFrame(index))
    how = {"image_size": 16, "fit": "crop", "resample": "box", "background": [0, 0, 0], "bands": channels}
    spec = {"source": "<here>", "classes": [NAMES[label] for label in sorted(set(labels))], "images": len(labels)}
    write_json("data/prepared/dataset.json", spec | {"preprocessing": how})


def write(folder, pixels, index):
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", pixels)
    write_table(folder / "index.csv", index)


def test_the_page_needs_no_network_and_is_the_same_twice(eda):
    prepare([0] * 6 + [1] * 3, group=["a"] * 6 + ["b"] * 3)
    ids = [f"{row}.png" for row in range(5)]
    pool = pd.DataFrame(dict.fromkeys(COLUMNS, "0"), index=range(5)).assign(id=ids, width=40, height=30)
    write(Path("data/pool"), np.full((5, 16, 16, 3), 250, dtype=np.uint8), pool)
    page, found = eda()
    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)[^"]*|url\(|<script', page) == []
    shown = set(re.findall(r'<img alt="([^"]+)"', page))
    assert shown == {path.stem.replace("_", " ") for path in Path("eda").glob("*.png")}
    assert shown == {"sizes", "classes", "looks", "looks by class", "near duplicates", "groups"}
    assert "What is in &lt;here&gt;" in page and "bée &amp; co" in page
    assert found["images"] == 9 and found["classes"] == {"ant": 6, "bée & co": 3}
    assert found["numbers"]["height"] == [20, 30, 30, 30, 30]
    assert found["groups"] == {"count": 2, "larger": 2, "of_one_class": 2}
    assert found["pool"]["brightness"]["difference"] == 1  # noise, and nearly white
    twins = pd.read_csv("eda/near_duplicates.csv")
    assert twins[["class", "id", "other_class", "other_id", "bits"]].values.tolist() == [
        ["ant", "0.png", NAMES[1], "8.png", 0]
    ]
    files = {path: path.read_bytes() for path in Path("eda").iterdir()}
    eda()
    assert {path: path.read_bytes() for path in Path("eda").iterdir()} == files


@pytest.mark.parametrize(("labels", "channels"), [([0, 1, 1], 1), ([0, 0, 0], 3)])
def test_grey_images_and_a_single_class_have_a_page(eda, labels, channels):
    prepare(labels, channels)
    page, found = eda()
    assert ("mean colour" in page) == (channels == 3)
    assert ("saturation" in found["numbers"]) == (channels == 3)
    assert found["near_duplicates"] == (1 if len(set(labels)) == 2 else 0)
    assert {advice["parameter"] for advice in found["advice"]} >= {"prepare.fit", "folds", "recipe"}


def test_weights_give_a_map(eda, workspace):
    make_run(workspace, ("train",) * 12)
    write_table("data/prepared/index.csv", pd.read_csv("data/prepared/index.csv").assign(phash=f"{7:016x}"))
    page, found = eda("--weights", "models/trained")
    assert 'alt="map"' in page
    assert found["neighbours"]["by_chance"] == pytest.approx(1 / 3, abs=1e-6)
    assert "freeze" in {advice["parameter"] for advice in found["advice"]}


def test_without_prepared_images_there_is_one_line(eda):
    with pytest.raises(SightlineError, match=r"^data/prepared/dataset\.json: not found: `dvc repro` makes it"):
        eda()


def test_weights_that_are_not_there_or_not_described_are_one_line(eda, set_params):
    prepare([0, 1, 1])
    with pytest.raises(SightlineError, match=r"^x\.safetensors: no JSON beside it tells its normalisation: name"):
        eda("--weights", "x.safetensors")
    set_params(model="test_resnet")
    with pytest.raises(SightlineError, match=r"^x\.safetensors: no such weights"):
        eda("--weights", "x.safetensors")
