import math

import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.deployment.parity import (
    ParitySet,
    bound_difference,
    choose_parity_set,
    compare_probabilities,
    list_flipped,
    predict_all,
    refuse_flips,
    refuse_other_model,
)

TRAINED = np.array([[0.6, 0.4], [0.5001, 0.4999], [0.1, 0.9]], np.float32)
EXPORTED = np.array([[0.61, 0.39], [0.4999, 0.5001], [0.1, 0.9]], np.float32)
IDS = ["a.png", "b.png", "c.png"]


def test_compare_by_hand():
    found = compare_probabilities(TRAINED, EXPORTED, labels=np.array([0, 0, 0]))
    assert found["max_probability_difference"] == pytest.approx(0.01, abs=1e-6)
    assert found["decision_flips"] == 1
    assert found["accuracy"] == pytest.approx(1 / 3)


def test_near_ties_count_as_flips():
    compared = ParitySet("test", IDS, np.arange(3), np.array([0, 0, 1]), None)
    flips = list_flipped("model.onnx", TRAINED, EXPORTED, compared, ["ant", "bee"])
    assert flips == [("model.onnx", "b.png", "ant", "ant", "bee", 0.5001, 0.5001)]
    with pytest.raises(SightlineError, match=r"on 1 of 3 images, first on b\.png: torch 'ant' \(0\.500100\).*'bee'"):
        refuse_flips(flips, 3)
    assert list_flipped("model.onnx", TRAINED, TRAINED + np.float32(1e-6), compared, ["ant", "bee"]) == []
    refuse_flips([], 3)


def test_every_runner_sees_every_batch_once():
    batches = iter([np.full((2, 1), 3), np.full((1, 1), 5)])
    found = predict_all({"same": lambda batch: batch, "twice": lambda batch: 2 * batch}, batches, 3)
    assert found["same"].ravel().tolist() == [3, 3, 5]
    assert found["twice"].ravel().tolist() == [6, 6, 10]


def test_predictions_of_another_model():
    refuse_other_model(TRAINED, TRAINED + np.float32(1e-4), IDS)
    for other in (TRAINED[:, ::-1], np.full_like(TRAINED, np.nan)):
        with pytest.raises(SightlineError, match=r"belongs to another model: run `dvc repro evaluate`"):
            refuse_other_model(other, TRAINED, IDS)
    with pytest.raises(SightlineError, match="has 3 classes, but models/trained has 2"):
        refuse_other_model(np.ones((3, 3)), TRAINED, IDS)


@pytest.mark.parametrize(
    ("subsets", "members", "subset", "rows", "by_all"),
    [
        (["val", "test", "test"], 1, "test", [8, 9], True),
        (["val", "test", "test"], 5, "test", [8, 9], True),
        (["val", "val", "val"], 1, "val", [7, 8, 9], True),
        (["val", "val", "val"], 5, "val", [7, 8, 9], False),
    ],
)
def test_choice_of_images(subsets, members, subset, rows, by_all):
    predictions = pd.DataFrame({"id": IDS, "row": [7, 8, 9], "subset": subsets, "label": [0, 1, 0]})
    found = choose_parity_set(predictions, TRAINED, members == 1)
    assert found.subset == subset
    assert found.rows.tolist() == rows
    assert len(found.ids) == len(found.labels) == len(rows)
    assert (found.evaluated is not None) == by_all
    if by_all:
        np.testing.assert_array_equal(found.evaluated, TRAINED[-len(rows) :])


def test_no_images():
    empty = pd.DataFrame({"id": [], "row": [], "subset": [], "label": []})
    assert choose_parity_set(empty, np.empty((0, 2)), alone=True) is None


@pytest.mark.parametrize(
    ("difference", "bound"),
    [(0.0, 1e-5), (5.4e-7, 1e-5), (1.1e-5, 1e-4), (2e-4, 1e-3), (0.25, 1.0), (math.inf, math.inf)],
)
def test_a_difference_is_told_as_the_power_of_ten_that_it_does_not_exceed(difference, bound):
    assert bound_difference(difference) == bound
