import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from gradcam import main
from sightline.common.errors import SightlineError
from sightline.common.files import read_table, write_table
from sightline.common.params import load_params, validate
from sightline.parameters.gradcam import GradcamParams, GradcamSection
from small_run import make_run

OPTIONS = {
    "method": ["gradcam"],
    "select": ["correct", "wrong"],
    "images": 3,
    "ids": [],
    "class_images": 2,
    "feature_maps": ["stages"],
    "alpha": 0.6,
    "cells": 4,
    "samples": 20,
    "steps": 4,
    "noise": 0.1,
    "quality_images": 4,
    "quality_steps": 4,
}
MIXED = ("train", "val", *["test"] * 10)
ALWAYS = ["classes.png", "correct.png", "features.png", "wrong.png"]


def params(**changes) -> GradcamParams:
    return GradcamParams(arithmetic="native", memory_mb=64, seed=0, gradcam=GradcamSection(**OPTIONS | changes))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs() -> dict[str, bytes]:
    files = sorted(Path("plots/gradcam").rglob("*.*"))
    return {path.name: path.read_bytes() for path in [*files, Path("metrics/gradcam.json")]}


def pictures() -> list[str]:
    return sorted(path.name for path in Path("plots/gradcam/maps").iterdir())


def metrics() -> dict:
    return json.loads(Path("metrics/gradcam.json").read_text())


def test_outputs_repeat_byte_for_byte(here):
    make_run(here, MIXED, members=2)
    chosen = params(method=["gradcam", "smoothgrad", "lime"])
    main(chosen)
    first, counted = outputs(), metrics()
    assert pictures() == ALWAYS
    images = counted["images"]
    assert 0 < images["correct"] + images["wrong"] <= 6
    assert images["quality_images"] == 4
    assert max(images["correct"] + images["wrong"], 4) <= images["explained"] <= 10
    assert counted["layers"] == {"member_0": "blocks.2.2", "member_1": "blocks.2.2"}
    assert set(counted["methods"]) == {"gradcam", "smoothgrad", "lime", "random_order"}
    for name in chosen.gradcam.method:
        quality = counted["methods"][name]
        assert quality["blank_share"] == quality["blank_maps"] / images["explained"]
        assert -1 <= quality["shuffled_rank_correlation"] <= 1
        assert 0 <= quality["deletion_auc"] <= 1
        assert 0 <= quality["insertion_auc"] <= 1
    main(chosen)
    assert outputs() == first


def test_pictures_follow_from_the_parameters_alone(here):
    make_run(here, MIXED)
    Path("plots/gradcam/maps").mkdir(parents=True)
    Path("plots/gradcam/maps/stale.png").write_bytes(b"old")
    ids = [str(read_table("data/predictions/predictions.csv", text=("id",))["id"][0])]
    main(params(select=["least_confident"], ids=ids, class_images=0, feature_maps=[], quality_images=0))
    assert pictures() == ["least_confident.png", "named.png"]
    assert metrics()["images"] == {
        "least_confident": 3,
        "named": 1,
        "explained": 4,
        "quality_images": 0,
        "boxes": 0,
    }
    assert set(metrics()["methods"]["gradcam"]) == {"blank_maps", "blank_share"}
    assert read_table("plots/gradcam/faithfulness.csv").empty


def test_predictions_of_other_images_are_refused(here):
    make_run(here, MIXED)
    index = Path("data/prepared/index.csv")
    header, first, *others = index.read_text().splitlines(keepends=True)
    index.write_text("".join([header, *others, first]))
    with pytest.raises(SightlineError, match=r"^data/predictions/predictions.csv: is of other images.*evaluate`$"):
        main(params())
    assert not Path("metrics/gradcam.json").exists()


def test_no_test_images(here):
    make_run(here, ("train", "val", "val"))
    main(params())
    assert pictures() == ALWAYS
    assert metrics()["images"]["explained"] == 0
    assert metrics()["notes"] == ["no test images to explain, hence no blank_share and no quality"]
    assert Image.open("plots/gradcam/maps/correct.png").width > 100


def test_one_test_image(here):
    make_run(here, ("train", "val", "test"))
    main(params(method=["gradcam", "occlusion"]))
    assert pictures() == ALWAYS
    assert metrics()["images"]["explained"] == 1


def test_a_model_without_maps_and_gradients_goes_on(here):
    make_run(here, MIXED, architecture="hog_color+random_forest")
    main(params(method=["gradcam", "saliency", "occlusion"]))
    assert metrics()["notes"] == [
        "gradcam does not apply to hog_color+random_forest: no layer of it is known to lie on a grid over the image",
        "saliency does not apply to hog_color+random_forest: its scores have no gradient with respect to the image",
        "no shuffled_rank_correlation: hog_color+random_forest has no weights to shuffle",
    ]
    assert metrics()["layers"] == {}
    assert set(metrics()["methods"]) == {"occlusion", "random_order"}
    assert pictures() == ALWAYS
    main(params(method=["gradcam"]))
    assert pictures() == ALWAYS
    assert metrics()["methods"] == {}


def test_an_image_too_small_for_a_grid_goes_on(here):
    """At 16 px every stage of this network has a single position, which tells no places apart."""
    make_run(here, MIXED, architecture="efficientvim_m1")
    main(params(method=["gradcam", "scorecam", "occlusion"], feature_maps=[], quality_images=2))
    reason = "does not apply to efficientvim_m1: no layer of it is known to lie on a grid over the image"
    assert [note for note in metrics()["notes"] if "grid" in note] == [f"gradcam {reason}", f"scorecam {reason}"]
    assert metrics()["layers"] == {}
    assert set(metrics()["methods"]) == {"occlusion", "random_order"}


def test_boxes_of_the_source_are_pointed_at(here):
    make_run(here, MIXED)
    index = pd.read_csv("data/prepared/index.csv")
    everything = {"box_x": 0, "box_y": 0, "box_width": 20, "box_height": 20}
    write_table("data/prepared/index.csv", index.assign(**everything))
    main(params())
    assert metrics()["images"]["boxes"] == 4
    assert metrics()["methods"]["gradcam"]["pointing"] == 1
    write_table("data/prepared/index.csv", index.assign(**everything | {"box_width": 1, "box_height": 1}))
    main(params())
    assert metrics()["images"]["boxes"] == 4
    assert metrics()["methods"]["gradcam"]["pointing"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": ["gradcan"]}, "params.yaml: gradcam.method.0: must be 'gradcam', 'gradcam++'"),
        ({"method": []}, "params.yaml: gradcam.method:"),
        ({"select": ["best"]}, "params.yaml: gradcam.select.0: must be 'correct', 'wrong' or 'least_confident'"),
        (
            {"method": ["lime"], "samples": 16},
            "params.yaml: gradcam.samples: must be more than cells x cells, which is 16 (got 16)",
        ),
    ],
)
def test_bad_values_end_in_one_line(changes, message):
    with pytest.raises(SightlineError) as caught:
        validate(
            GradcamParams,
            {"seed": 0, "arithmetic": "native", "memory_mb": 64, "gradcam": OPTIONS | changes},
            "params.yaml",
        )
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_default_is_cheap(workspace):
    """The default takes no method that captum, over a second to import, is needed for."""
    assert load_params(GradcamParams).gradcam.method == ["gradcam"]
