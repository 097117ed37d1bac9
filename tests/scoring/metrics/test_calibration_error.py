import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from sightline.scoring.metrics.calibration_error import (
    classwise_calibration_error,
    equal_mass,
    expected_calibration_error,
    reliability_table,
)


def test_reliability_by_hand():
    confidence = np.array([0.55, 0.6, 0.9, 1.0])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    table = reliability_table(probabilities, np.array([0, 1, 0, 1]), bins=5)
    assert list(table["bin"]) == [3, 5]  # 0.6 closes the third bin, 1.0 the fifth
    assert list(table["confidence"]) == pytest.approx([0.575, 0.95])
    assert list(table["accuracy"]) == [0.5, 0.5]
    assert list(table["count"]) == [2, 2]
    assert expected_calibration_error(table) == pytest.approx((2 * 0.075 + 2 * 0.45) / 4)


def test_reliability_agrees_with_scikit_learn():
    stream = np.random.default_rng(2)
    probabilities, labels = stream.dirichlet(np.ones(3) / 2, 500), stream.integers(0, 3, 500)
    right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=10)
    table = reliability_table(probabilities, labels, bins=10)
    assert table["accuracy"].to_numpy() == pytest.approx(accuracy)
    assert table["confidence"].to_numpy() == pytest.approx(confidence)


@pytest.mark.parametrize("bins", [5, 15])
def test_calibration_errors_are_torchmetrics(bins):
    stream = np.random.default_rng(6)
    probabilities, labels = stream.dirichlet(np.ones(4) / 2, 700), stream.integers(0, 4, 700)
    scores, truth = torch.from_numpy(probabilities), torch.from_numpy(labels)
    expected = multiclass_calibration_error(scores, truth, num_classes=4, n_bins=bins, norm="l1").item()
    table = reliability_table(probabilities, labels, bins)
    assert expected_calibration_error(table) == pytest.approx(expected, abs=1e-6)
    columns = scores.T.contiguous()
    each = [binary_calibration_error(columns[code], (truth == code).int(), n_bins=bins).item() for code in range(4)]
    assert classwise_calibration_error(probabilities, labels, bins) == pytest.approx(np.mean(each), abs=1e-6)
    assert expected > 0.1


def test_reliability_of_no_images_has_columns_and_no_rows():
    table = reliability_table(np.empty((0, 3)), np.empty(0, dtype=int), bins=15)
    assert list(table) == ["bin", "confidence", "accuracy", "count"]
    assert table.empty


def test_equal_mass_bins_hold_equally_many_and_keep_ties_together():
    assert equal_mass(np.array([0.9, 0.1, 0.5, 0.3]), bins=2).tolist() == [2, 1, 2, 1]
    assert equal_mass(np.array([0.5, 0.5, 0.5, 0.9]), bins=4).tolist() == [1, 1, 1, 4]


def test_equal_mass_error_agrees_with_scikit_learns_quantiles():
    stream = np.random.default_rng(4)
    probabilities, labels = stream.dirichlet(np.ones(3), 600), stream.integers(0, 3, 600)
    right, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    accuracy, mean = calibration_curve(right, confidence, n_bins=6, strategy="quantile")
    table = reliability_table(probabilities, labels, 6, "mass")
    assert list(table["count"]) == [100] * 6
    assert expected_calibration_error(table) == pytest.approx(np.abs(accuracy - mean).mean(), abs=5e-3)


def test_classwise_error_by_hand():
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4]])
    # class 0: bin (0.5, 1] holds 0.8 and 0.6, mean 0.7, true share 0.5; class 1: bin (0, 0.5] mean 0.3, share 0.5
    assert classwise_calibration_error(probabilities, np.array([0, 1]), bins=2) == pytest.approx(0.2)


def test_classwise_error_is_the_mean_of_the_classes_errors():
    stream = np.random.default_rng(5)
    probabilities, labels = stream.dirichlet(np.ones(4), 300), stream.integers(0, 4, 300)
    each = []
    for code in range(4):
        pair = np.stack([probabilities[:, code], 1 - probabilities[:, code]], axis=1)
        number = np.clip(np.ceil(pair[:, 0] * 10), 1, 10)
        gaps = [abs((pair[number == m, 0] - (labels == code)[number == m]).sum()) for m in range(1, 11)]
        each.append(sum(gaps) / 300)
    assert classwise_calibration_error(probabilities, labels, 10) == pytest.approx(np.mean(each))
