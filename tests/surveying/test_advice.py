"""Each rule on both sides of its limit."""

import numpy as np
import pandas as pd
import pytest

from imports import ROOT
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.store import DatasetSpec
from sightline.surveying import advice
from sightline.surveying.embedding import Embedding
from sightline.surveying.groups import Groups
from sightline.surveying.survey import Survey


def make_survey(counts=(100, 100), size=(32, 32), stored=32, saturation=0.5, twins=0, groups=None):
    names = [f"class {number}" for number in range(len(counts))]
    how = Preprocessing(stored, "crop", "bilinear", (255, 255, 255))
    numbers = pd.DataFrame({"width": [float(size[0])] * 4, "height": float(size[1]), "saturation": saturation})
    return Survey(
        dataset=DatasetSpec(source="x", classes=names, images=sum(counts), preprocessing=how),
        counts=pd.Series(counts, index=names),
        numbers=numbers.assign(aspect=numbers["width"] / numbers["height"]),
        by_class=pd.DataFrame(),
        outliers=pd.DataFrame(),
        twins=pd.DataFrame({"first": [0] * twins}),
        groups=groups,
    )


@pytest.mark.parametrize(
    ("side", "stored", "value", "reason"),
    [
        (8, 32, "32", "as it is: the images have 8 px"),
        (32, 32, "32", "as it is: three quarters of the images have 32 px"),
        (100, 32, "96", "costs 9.0 times the time of 32"),
        (500, 224, "224", "as it is"),
        (70, 224, "64", "224 px make them larger, not clearer"),
    ],
)
def test_the_size_is_one_that_three_quarters_of_the_images_reach(side, stored, value, reason):
    found = advice.advise_size(make_survey(size=(side, side), stored=stored))
    assert found.value == value
    assert reason in found.reason


@pytest.mark.parametrize(
    ("width", "value", "reason"),
    [(40, "crop", "square: nothing"), (50, "crop", "cuts 20%"), (80, "pad", "cut 50%")],
)
def test_crop_gives_way_to_bars_where_it_cuts_much(width, value, reason):
    found = advice.advise_fit(make_survey(size=(width, 40)))
    assert found.value == value
    assert reason in found.reason


def test_grey_images_need_one_channel():
    assert advice.advise_channels(make_survey(saturation=0.0)).value == "1"
    assert advice.advise_channels(make_survey(saturation=0.5)) is None
    assert "25% of the images" in advice.advise_channels(make_survey(saturation=[0.0, 0.5, 0.5, 0.5])).reason


def test_labels_that_contradict_each_other_are_pointed_out():
    assert "3 pairs" in advice.advise_duplicates(make_survey(twins=3)).reason
    assert advice.advise_duplicates(make_survey()) is None


def test_groups_that_give_the_class_away():
    groups = Groups(pd.DataFrame(), one_class=3, larger=4)
    assert "3 of 4 groups" in advice.advise_groups(make_survey(groups=groups)).reason
    assert advice.advise_groups(make_survey(groups=Groups(pd.DataFrame(), one_class=1, larger=4))) is None
    assert advice.advise_groups(make_survey()) is None


def test_folds_where_the_smallest_class_is_small():
    assert "class 1 has 24 images, a fifth of them is 4" in advice.advise_folds(make_survey((100, 24))).reason
    assert advice.advise_folds(make_survey((100, 25))) is None


@pytest.mark.parametrize(
    ("counts", "parameter", "value"),
    [
        ((100, 40), "class_weights", "none"),
        ((120, 40), "class_weights", "effective_number"),
        ((800, 40), "logit_adjustment", "1.0"),
    ],
)
def test_uneven_classes_are_weighed(counts, parameter, value):
    found = advice.advise_weights(make_survey(counts))
    assert (found.parameter, found.value) == (parameter, value)
    assert f"{counts[0] / counts[1]:.1f} times" in found.reason


@pytest.mark.parametrize(
    ("counts", "side", "recipe"),
    [
        ((500, 500), 32, "cifar10_simple_cnn"),
        ((5000, 5000), 32, "cifar10_cifarnet"),
        ((10_000, 500), 32, "long_tail"),
        ((200, 200), 300, "photos"),
        ((300, 300), 300, "photos_finetune"),
        ((150,) + (50,) * 19, 300, "cat_breeds"),
    ],
)
def test_the_recipe_follows_the_kind_of_pictures_and_their_number(counts, side, recipe):
    assert advice.advise_recipe(make_survey(counts, size=(side, side))).value == recipe
    assert (ROOT / "recipes" / recipe).is_file()


def test_features_that_tell_the_classes_apart_need_no_training():
    rows, places = np.arange(3), np.zeros((3, 2))
    assert advice.advise_features(Embedding(rows, places, agreement=0.75, chance=0.5)).value == "backbone"
    assert advice.advise_features(Embedding(rows, places, agreement=0.74, chance=0.5)).value == "none"
    assert advice.advise_features(None) is None
