import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.deployment.parity import choose_judged, compare, refuse_flips, refuse_other_model

TRAINED = np.array([[0.6, 0.4], [0.5001, 0.4999], [0.1, 0.9]], np.float32)
EXPORTED = np.array([[0.61, 0.39], [0.4999, 0.5001], [0.1, 0.9]], np.float32)
IDS = ["a.png", "b.png", "c.png"]


def test_compare_by_hand():
    found = compare(TRAINED, EXPORTED, labels=np.array([0, 0, 0]))
    assert found["max_probability_difference"] == pytest.approx(0.01, abs=1e-6)
    assert found["decision_flips"] == 1
    assert found["accuracy_torch"] == pytest.approx(2 / 3)
    assert found["accuracy_onnx"] == pytest.approx(1 / 3)
    assert found["images"] == 3


def test_near_ties_count_as_flips():
    with pytest.raises(SightlineError, match=r"on 1 of 3 images, first on b\.png: torch 'ant' \(0\.500100\).*'bee'"):
        refuse_flips(TRAINED, EXPORTED, IDS, ["ant", "bee"])
    refuse_flips(TRAINED, TRAINED + np.float32(1e-6), IDS, ["ant", "bee"])


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
    found = choose_judged(predictions, TRAINED, members)
    assert found.subset == subset
    assert found.rows.tolist() == rows
    assert len(found.ids) == len(found.labels) == len(rows)
    assert (found.evaluated is not None) == by_all
    if by_all:
        np.testing.assert_array_equal(found.evaluated, TRAINED[-len(rows) :])


def test_no_images():
    empty = pd.DataFrame({"id": [], "row": [], "subset": [], "label": []})
    assert choose_judged(empty, np.empty((0, 2)), members=1) is None
