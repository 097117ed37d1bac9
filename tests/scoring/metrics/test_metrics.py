import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from sightline.scoring.metrics import measure as metrics
from sightline.scoring.metrics.measure import measure_probabilities
from sightline.scoring.metrics.ranking import rank_classes
from sightline.scoring.metrics.spread import fold_spread, member_spread

NAMES = ["a", "b", "c"]


def measure(labels, probabilities, top_k, bins=15):
    return metrics.measure(labels, probabilities, rank_classes(labels, probabilities), top_k, bins)


def class_table(labels, predicted, names):
    return metrics.class_table(labels, predicted, names, rank_classes(labels, np.eye(len(names))[predicted]))


def random_case(classes: int, images: int = 200):
    stream = np.random.default_rng(0)
    probabilities = stream.dirichlet(np.ones(classes), images).astype(np.float32)
    return stream.integers(0, classes, images), probabilities


def test_numbers_worked_out_by_hand():
    labels = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.5, 0.25, 0.25], [0.3, 0.5, 0.2], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0]])
    found, notes = measure(labels, probabilities, top_k=[2], bins=10)
    assert notes == []
    assert found["images"] == 4
    assert found["accuracy"] == 0.75  # the second image is a mistake
    assert found["balanced_accuracy"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert found["precision_macro"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert found["f1_macro"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["f1_weighted"] == pytest.approx((2 * 2 / 3 + 2 / 3 + 1) / 4)
    assert found["log_loss"] == pytest.approx((2 * np.log(2) - np.log(0.3)) / 4)
    assert found["brier"] == pytest.approx((0.375 + 0.78 + 0.375 + 0) / 4)
    assert found["ece"] == pytest.approx(0.75 * (2 / 3 - 0.5))  # three images say 0.5, two of them are right
    assert found["top_2_accuracy"] == 1.0


def test_agrees_with_scikit_learn():
    labels, probabilities = random_case(5)
    predicted = probabilities.argmax(axis=1)
    found, _ = measure(labels, probabilities, top_k=[3], bins=15)
    exact = probabilities / probabilities.astype(np.float64).sum(axis=1, keepdims=True)
    expected = {
        "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
        "recall_macro": reference.recall_score(labels, predicted, average="macro"),
        "roc_auc_ovr": reference.roc_auc_score(labels, exact, multi_class="ovr"),
        "log_loss": reference.log_loss(labels, exact),
        "matthews_corrcoef": reference.matthews_corrcoef(labels, predicted),
        "cohen_kappa": reference.cohen_kappa_score(labels, predicted),
        "pr_auc_ovr": reference.average_precision_score(np.eye(5)[labels], exact),
        "precision_macro": reference.precision_score(labels, predicted, average="macro"),
        "precision_weighted": reference.precision_score(labels, predicted, average="weighted"),
        "recall_weighted": reference.recall_score(labels, predicted, average="weighted"),
        "f1_macro": reference.f1_score(labels, predicted, average="macro"),
        "f1_weighted": reference.f1_score(labels, predicted, average="weighted"),
        "brier": reference.brier_score_loss(labels, exact),
        "top_3_accuracy": reference.top_k_accuracy_score(labels, probabilities, k=3),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_two_classes_give_the_plain_roc_auc_and_brier_score():
    labels, probabilities = random_case(2)
    found, _ = measure(labels, probabilities, top_k=[2, 3], bins=15)
    assert found["roc_auc_ovr"] == pytest.approx(reference.roc_auc_score(labels, probabilities[:, 1]))
    assert found["brier"] == pytest.approx(reference.brier_score_loss(labels, probabilities[:, 1]))
    assert not [name for name in found if name.startswith("top_")]  # k of the class count or more says nothing


def test_classes_without_images_are_noted_and_do_not_break_the_averages():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.2, 0.0], [0.1, 0.2, 0.7], [0.3, 0.6, 0.1], [0.2, 0.5, 0.3]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, notes = measure(labels, probabilities, top_k=[2], bins=15)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["f1_macro"] == pytest.approx((2 / 3 + 1 + 0) / 3)  # c was predicted once, wrongly
    # a: 0.8, 0.1 against 0.3, 0.2 is right in two of four pairs; b: 0.6, 0.5 against 0.2, 0.2 in all
    assert found["roc_auc_ovr"] == pytest.approx((0.5 + 1) / 2)
    assert len(notes) == 1 and notes[0].startswith("1 of 3 classes have no image here")


@pytest.mark.parametrize("predicted", [0, 1])
def test_one_class_leaves_out_what_is_not_defined(predicted):
    probabilities = np.eye(3)[[predicted] * 5]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, notes = measure(np.zeros(5, dtype=int), probabilities, top_k=[], bins=15)
    assert found["accuracy"] == 1 - predicted
    assert found["ece"] == predicted
    assert not {"roc_auc_ovr", "matthews_corrcoef", "cohen_kappa"} & set(found)
    assert "needs images of two classes" in notes[0]
    assert all(np.isfinite(value) for value in found.values())


def test_no_images_give_no_metrics_but_a_note():
    found, notes = measure(np.empty(0, dtype=int), np.empty((0, 3)), top_k=[2], bins=15)
    assert found == {"images": 0}
    assert notes == ["no images, hence no metrics"]


def test_probabilities_of_exactly_zero_and_one_stay_finite():
    found = measure_probabilities(np.array([1, 0]), np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32), bins=15)
    assert found["log_loss"] == pytest.approx(-np.log(np.finfo(np.float64).eps) / 2)
    assert found["brier"] == 0.5
    assert found["ece"] == 0.5


def test_class_table_counts_each_class():
    table = class_table(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), NAMES).set_index("class")
    table = table.drop(columns=["roc_auc", "pr_auc"])
    assert list(table.loc["a"]) == pytest.approx([1, 2 / 3, 0.8, 3, 2])
    assert list(table.loc["b"]) == pytest.approx([0.5, 1, 2 / 3, 1, 2])
    assert list(table.loc["c"]) == [0, 0, 0, 0, 0]  # neither there nor predicted


def test_class_table_without_images_keeps_its_rows():
    empty = np.empty(0, dtype=int)
    table = class_table(empty, empty, NAMES)
    assert list(table["class"]) == NAMES
    assert table[["precision", "recall", "f1", "support", "predicted"]].to_numpy().sum() == 0
    assert table["roc_auc"].isna().all()


def test_fold_spread_is_mean_and_sample_deviation():
    labels, folds = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    probabilities = np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0], [0.75, 0.25]])  # fold 0: all right, fold 1: half
    spread = fold_spread(labels, probabilities, folds)
    assert spread["folds"] == 2
    assert spread["accuracy_mean"] == 0.75
    assert spread["accuracy_std"] == pytest.approx(0.5 / np.sqrt(2))
    assert spread["f1_macro_mean"] == pytest.approx((1 + 1 / 3) / 2)
    assert spread["log_loss_mean"] == pytest.approx((np.log(2) / 2 + np.log(4) / 2) / 2)


def test_member_spread_is_of_members_that_decide_alone():
    spread = member_spread(np.array([0, 0, 1, 1]), [np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])], 2)
    assert (spread["members"], spread["accuracy_mean"]) == (2, 0.875)
    assert spread["accuracy_std"] == pytest.approx(0.25 / np.sqrt(2))
    assert spread["f1_macro_mean"] == pytest.approx((1 + (4 / 5 + 2 / 3) / 2) / 2)


def test_a_fold_of_one_class_is_measured():
    spread = fold_spread(np.array([0, 0, 1]), np.array([[1.0, 0.0]] * 3), np.array([0, 0, 1]))
    assert spread["balanced_accuracy_mean"] == 0.5


def test_a_class_that_is_never_predicted_is_noted():
    found, notes = measure(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), top_k=[])
    assert found["precision_macro"] == 0.25
    assert found["matthews_corrcoef"] == 0.0
    assert notes == ["1 classes with images are never predicted: their precision and F1 count as 0"]


def test_ties_go_to_the_earlier_class():
    found, _ = measure(np.array([0, 2, 0]), np.full((3, 3), 1 / 3), top_k=[2])
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["top_2_accuracy"] == pytest.approx(2 / 3)  # class 2 alone is not among the first two


def test_thousands_of_classes():
    labels, probabilities = random_case(3000, images=40)
    found, notes = measure(labels, probabilities, top_k=[5])
    assert all(np.isfinite(value) for value in found.values())
    assert "of 3000 classes have no image here" in notes[0]
