"""Numbers, outliers, near duplicates and groups, against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from sightline.surveying import numbers as measuring
from sightline.surveying.embedding import agree, agree_by_chance
from sightline.surveying.groups import count_groups
from sightline.surveying.numbers import cut_share, measure_images, shorter_side
from sightline.surveying.outliers import find_outliers
from sightline.surveying.pool import compare_pool
from sightline.surveying.twins import find_twins


def hexadecimal(*hashes):
    return np.array([f"{value:016x}".encode() for value in hashes])


def test_numbers_of_the_file_and_of_the_pixels():
    pixels = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    pixels[1, ..., 0] = 255
    table = measure_images(pd.DataFrame({"width": [8, 30], "height": [4, 40]}), pixels)
    assert table["aspect"].tolist() == [2.0, 0.75]
    assert table["brightness"].tolist() == pytest.approx([0, 0.299], abs=1e-6)  # a pure red's luma
    assert table["saturation"].tolist() == [0, 1]
    assert shorter_side(table).tolist() == [4, 30]
    assert cut_share(table).tolist() == [0.5, 0.25]  # the middle square of 8 x 4 is half of it


def test_where_there_are_too_many_pixels_some_images_are_measured(monkeypatch):
    monkeypatch.setattr(measuring, "MOST_VALUES", 3 * 4 * 4)
    pixels = np.zeros((5, 4, 4, 1), dtype=np.uint8)
    table = measure_images(pd.DataFrame({"width": range(1, 6), "height": 1}), pixels)
    assert table.index.tolist() == [0, 2, 4]
    assert table["width"].tolist() == [1, 3, 5]
    assert "saturation" not in table


def test_outliers_lie_three_interquartile_ranges_beyond_a_quartile():
    brightness = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 1.1, 1.2])  # quartiles 0.15 and 0.75: far from 2.55 on
    width = np.full(7, 100.0)
    table = pd.DataFrame({"width": width, "height": width, "aspect": 1.0, "brightness": brightness})
    assert find_outliers(table).empty
    table["brightness"] = [0.4, 0.5, 0.5, 0.5, 0.6, 0.6, 1.0]  # quartiles 0.5 and 0.6
    found = find_outliers(table)
    assert found[["row", "number", "value"]].values.tolist() == [[6, "brightness", 1.0]]
    assert found[["low", "high", "distance"]].iloc[0].tolist() == pytest.approx([0.2, 0.9, 4.0])


def test_an_image_that_is_far_in_two_numbers_stands_once_by_the_farther_one():
    sides = np.array([90.0, 100, 100, 110, 110, 120, 100_000])
    table = pd.DataFrame({"width": sides, "height": 50.0, "aspect": sides / 50, "sharpness": [0.1] * 6 + [0.9]})
    found = find_outliers(table)
    assert found["row"].tolist() == [6]
    assert found["number"].tolist() == ["width"]  # sharpness is the same for half of the images, so it has no far ones


def test_twins_have_different_labels_and_hashes_that_hardly_differ():
    phash = hexadecimal(0b0, 0b111, 0b11, 0b0, 0b1111 << 60)
    labels = np.array([0, 0, 1, 1, 1])
    found = find_twins(phash, labels, bits=2)
    assert found.values.tolist() == [[0, 3, 0], [1, 2, 1], [0, 2, 2]]
    assert find_twins(phash, np.zeros(5, dtype=int), bits=2).empty


def test_groups_that_hold_one_class_alone():
    index = pd.DataFrame({"group": ["b", "b", "b", "a", "a", "c", ""], "label": [0, 0, 1, 1, 1, 0, 0]})
    groups = count_groups(index, ["ant", "bee"])
    assert groups.counts.to_dict("index") == {
        "b": {"ant": 2, "bee": 1},
        "a": {"ant": 0, "bee": 2},
        "c": {"ant": 1, "bee": 0},
    }
    assert list(groups.counts.index) == ["b", "a", "c"]
    assert (groups.one_class, groups.larger) == (1, 2)  # of a single image it says nothing
    assert count_groups(index.assign(group=""), ["ant", "bee"]) is None


def test_neighbours_agree_where_classes_point_in_their_own_direction():
    features = np.array([[1, 0], [2, 0.1], [3, 0], [0, 1], [0.1, 2], [0, 3]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert agree(features, labels) == pytest.approx(0.4)  # with five neighbours, two of the own class
    assert agree(features[[0, 1]], labels[[0, 1]]) == 1
    assert agree_by_chance(labels) == 0.5
    assert agree_by_chance(np.array([0, 0, 0, 1])) == pytest.approx(0.625)


def test_a_pool_is_compared_by_medians_and_the_largest_difference():
    labelled = pd.DataFrame({"brightness": [0.1, 0.2, 0.3, 0.4], "saturation": [0.1] * 4})
    pool = pd.DataFrame({"brightness": [0.35, 0.45, 0.55, 0.65]})
    (row,) = compare_pool(labelled, pool).to_dict("records")
    assert row == pytest.approx({"number": "brightness", "labelled": 0.25, "pool": 0.5, "difference": 0.75})
