import json
from pathlib import Path

import pytest
from PIL import Image

from gradcam import GradcamParams, Params, explain_limits, main
from small_run import make_run

PARAMS = Params(gradcam=GradcamParams(images=3, alpha=0.6))
MIXED = ("train", "val", *["test"] * 10)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("plots/gradcam").iterdir()}


def metrics() -> dict:
    return json.loads(Path("metrics/gradcam.json").read_text())


def test_panels_and_counts_repeat_byte_for_byte(here):
    make_run(here, MIXED, members=2)
    main(PARAMS)
    first, counted = outputs(), metrics()
    assert counted["images"] == counted["correct"] + counted["wrong"] == len(first) - 1
    assert 0 < counted["images"] <= 6
    assert set(counted["layers"]) == {"member_0", "member_1"}
    assert counted["blank_share"] == counted["blank_maps"] / counted["images"]
    assert "overview.png" in first
    main(PARAMS)
    assert outputs() == first


def test_stale_panels_are_removed(here):
    make_run(here, MIXED)
    Path("plots/gradcam").mkdir(parents=True)
    Path("plots/gradcam/wrong_77.png").write_bytes(b"old")
    main(PARAMS)
    assert "wrong_77.png" not in outputs()


def test_no_test_images(here):
    make_run(here, ("train", "val", "val"))
    main(PARAMS)
    assert list(outputs()) == ["overview.png"]
    assert metrics()["images"] == 0
    assert "blank_share" not in metrics()
    assert Image.open("plots/gradcam/overview.png").width > 100


def test_one_test_image(here):
    make_run(here, ("train", "val", "test"))
    main(PARAMS)
    assert len(outputs()) == 2
    assert metrics()["images"] == 1


def test_networks_without_maps_are_named():
    assert explain_limits([None, None], ["mlp", "mlp"]) == [
        "Grad-CAM does not apply to mlp: it names no layer that lies on a grid over the image"
    ]


def test_networks_without_maps_end_in_a_message(here, monkeypatch):
    make_run(here, MIXED)
    monkeypatch.setattr("gradcam.find_target_layer", lambda member: None)
    main(PARAMS)
    assert list(outputs()) == ["overview.png"]
    assert metrics()["notes"] == explain_limits([None], ["simple_cnn"])
    assert metrics()["layers"] == {}
