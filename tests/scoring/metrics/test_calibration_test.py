import numpy as np
import pytest
from scipy.special import softmax

from sightline.scoring.metrics.calibration_error import expected_calibration_error, reliability_table
from sightline.scoring.metrics.calibration_test import judge_calibration


def case(images: int, factor: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels drawn from the probabilities of a network, and these, sharpened by the factor."""
    stream = np.random.default_rng(seed)
    logits = stream.normal(size=(images, 3)) * 5
    return (logits + stream.gumbel(size=logits.shape)).argmax(axis=1), softmax(logits * factor, axis=1)


def measured(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return expected_calibration_error(reliability_table(probabilities, labels, 15))


@pytest.mark.parametrize("images", [49, 359])
def test_a_calibrated_network_is_seldom_called_miscalibrated(images):
    found = [judge_calibration(*case(images, 1.0, seed), 15, 100, 0.95, seed) for seed in range(80)]
    assert np.mean([one.low == 0 for one in found]) > 0.93  # 0.975 is right; both ends together leave 0.05
    assert np.mean([one.p_value < 0.05 for one in found]) < 0.1
    plain = np.mean([measured(*case(images, 1.0, seed)) for seed in range(80)])
    assert np.mean([one.error for one in found]) < 0.5 * plain  # the truth is 0


@pytest.mark.parametrize("images", [80])
def test_the_interval_covers_the_error_of_an_overconfident_network(images):
    truth = measured(*case(200000, 3.0, seed=1))
    found = [judge_calibration(*case(images, 3.0, seed), 15, 100, 0.95, seed) for seed in range(80)]
    assert np.mean([one.low - 1e-9 <= truth <= one.high for one in found]) > 0.9
    assert all(one.low <= one.error <= one.high for one in found)


def test_a_large_error_of_many_images_is_sure_and_hardly_corrected():
    labels, probabilities = case(5000, 3.0, seed=0)
    found = judge_calibration(labels, probabilities, 15, 500, 0.95, seed=0)
    assert found.p_value == pytest.approx(1 / 501)  # the measured one counts as one of the draws
    assert found.error == pytest.approx(measured(labels, probabilities), rel=0.05)
    assert found.low > 0.5 * found.error


def test_one_image_tells_nothing():
    found = judge_calibration(np.array([0]), np.array([[0.9, 0.1]]), 15, 500, 0.95, seed=0)
    assert found.low == 0
    assert found.high == pytest.approx(0.9 - 0.2065, abs=1e-3)  # Wilson's interval of 1 of 1 begins at 0.2065
    assert found.p_value == 1


def test_the_seed_decides():
    labels, probabilities = case(100, 1.0, seed=3)
    found = [judge_calibration(labels, probabilities, 15, 99, 0.95, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
