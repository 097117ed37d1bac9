import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve

from sightline.scoring.calibration import calibrate, expected_calibration_error, fit_temperature, reliability_table


def overconfident_case(factor: float, images: int = 4000):
    stream = np.random.default_rng(1)
    logits = stream.normal(size=(images, 4)) * 2
    labels = (logits + stream.gumbel(size=logits.shape)).argmax(axis=1)  # drawn from softmax(logits)
    return logits * factor, labels


def log_loss(scores: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    return float(torch.nn.functional.cross_entropy(torch.tensor(scores / temperature), torch.tensor(labels)))


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_temperature_undoes_a_known_scale(factor):
    scores, labels = overconfident_case(factor)
    assert fit_temperature(scores, labels) == pytest.approx(factor, rel=0.06)


def test_temperature_agrees_with_torch_lbfgs():
    scores, labels = overconfident_case(3.0)
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def cost():
        optimizer.zero_grad()
        tempered = torch.tensor(scores) / log_temperature.exp()
        loss = torch.nn.functional.cross_entropy(tempered, torch.tensor(labels)) + log_temperature**2 / 2 / len(labels)
        loss.backward()
        return loss

    optimizer.step(cost)
    assert fit_temperature(scores, labels) == pytest.approx(log_temperature.detach().exp().item(), rel=1e-4)


def test_validation_without_a_mistake_does_not_ask_for_certainty():
    scores = np.log(np.full((50, 3), 0.1) + 0.7 * np.eye(3)[[0] * 50])  # 0.8 for the right class
    temperature = fit_temperature(scores, np.zeros(50, dtype=int))
    assert 0.2 < temperature < 1.0


@pytest.mark.parametrize(("scores", "labels"), [(np.zeros((3, 2)), [0, 1, 1]), (np.array([[0.0, -60.0]]), [1])])
def test_temperature_never_makes_the_validation_loss_worse(scores, labels):
    labels = np.array(labels)
    temperature = fit_temperature(scores, labels)
    assert 0.02 <= temperature <= 50
    assert log_loss(scores, labels, temperature) <= log_loss(scores, labels, 1.0)


def test_scores_that_say_nothing_keep_their_temperature():
    assert fit_temperature(np.zeros((3, 2)), np.array([0, 1, 1])) == pytest.approx(1.0, abs=1e-5)


def test_calibrate_without_images_says_so():
    found = calibrate("temperature", np.empty((0, 3)), np.empty(0, dtype=int))
    assert (found.method, found.temperature, found.images) == ("none", 1.0, 0)
    assert "no validation images" in found.note


def test_calibrate_none_fits_nothing():
    found = calibrate("none", *overconfident_case(3.0, images=10))
    assert (found.method, found.temperature, found.note) == ("none", 1.0, None)


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


def test_reliability_of_no_images_has_columns_and_no_rows():
    table = reliability_table(np.empty((0, 3)), np.empty(0, dtype=int), bins=15)
    assert list(table) == ["bin", "confidence", "accuracy", "count"]
    assert table.empty
