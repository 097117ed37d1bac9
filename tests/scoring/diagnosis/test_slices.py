import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from sightline.scoring.diagnosis.slices import describe_images, measure_slices, summarize_slices


def index(**changes) -> pd.DataFrame:
    rows = 8
    blank = dict.fromkeys(("id", "group", "subset", "sha256", "phash"), "")
    shape = {"class": ["a", "b"] * 4, "label": [0, 1] * 4, "width": 10, "height": 10}
    return pd.DataFrame(blank | shape | changes, index=range(rows))


def test_only_properties_in_which_images_differ_count():
    assert list(describe_images(index())) == ["class"]
    found = describe_images(
        index(group=["x"] * 4 + [""] * 4, camera=["one", "two"] * 4, width=[10, 20] * 4, row=range(8))
    )
    assert list(found) == ["class", "group", "size in px", "camera"]
    assert found["size in px"].tolist() == ["10", "14"] * 4


def test_a_column_that_names_each_image_slices_nothing():
    assert "file" not in describe_images(index(file=list("abcdefgh")))


def test_many_numbers_are_cut_into_quarters():
    many = pd.concat([index()] * 10, ignore_index=True).assign(age=range(80))
    found = describe_images(many)["age"]
    assert found.value_counts().tolist() == [20] * 4
    assert found.iloc[-1] == "59.25 to 79"


def test_numbers_may_be_text_and_missing():
    many = pd.concat([index()] * 10, ignore_index=True)
    found = describe_images(many.assign(age=[str(age) for age in range(40)] + [""] * 40))["age"]
    assert found[:40].value_counts().tolist() == [10] * 4
    assert found.iloc[39] == "29.25 to 39"
    assert set(found[40:]) == {""}


def test_few_numbers_stay_as_they_are_written():
    assert describe_images(index(site=["007", "1.50"] * 4))["site"].tolist() == ["007", "1.50"] * 4


def test_rare_remarks_slice_nothing():
    assert "remark" not in describe_images(index(remark=["blurred", "dark"] + [""] * 6))


def test_slices_by_hand():
    properties = pd.DataFrame({"group": ["x", "x", "y", "y", "y", ""]})
    found = measure_slices(properties, np.array([True, False, True, True, True, False]), 0.95)
    assert found["slice"].tolist() == ["group x", "group y"]  # the image without a group is in no slice
    assert found["images"].tolist() == [2, 3]
    assert found["accuracy"].tolist() == [0.5, 1.0]
    expected = binomtest(1, 2).proportion_ci(0.95, method="wilson")
    assert (found["low"][0], found["high"][0]) == pytest.approx((expected.low, expected.high))
    assert summarize_slices(found)["slices"]["worst"]["slice"] == "group x"


def test_a_single_bad_image_is_no_worse_than_many():
    properties = pd.DataFrame({"group": ["x"] + ["y"] * 20})
    found = measure_slices(properties, np.array([False] + [True] * 10 + [False] * 10), 0.95)
    assert found["slice"].tolist() == ["group y", "group x"]


def test_no_images_no_slices():
    found = measure_slices(describe_images(index().iloc[:0]), np.empty(0, dtype=bool), 0.95)
    assert found.empty
    assert list(found) == ["slice", "images", "accuracy", "low", "high"]
    assert summarize_slices(found) == {}
