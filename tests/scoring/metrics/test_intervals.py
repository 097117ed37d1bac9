import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from sightline.scoring.metrics.intervals import HEADLINES, bootstrap_intervals, resample, wilson_interval
from sightline.scoring.metrics.measure import measure
from sightline.scoring.metrics.ranking import rank_classes


def case(images=300):
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 3, images)
    scores = stream.normal(size=(images, 3)) + 2 * np.eye(3)[labels]
    return labels, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def test_a_resample_keeps_the_images_of_each_class():
    labels = np.array([2, 0, 2, 1, 2, 0])
    times = np.concatenate(list(resample(labels, 500, seed=0)))
    assert times.shape == (500, 6)
    for code in range(3):
        assert (times[:, labels == code].sum(axis=1) == (labels == code).sum()).all()
    assert (times[:, 3] == 1).all()  # the only image of its class
    assert times.mean(axis=0) == pytest.approx(np.ones(6), abs=0.15)
    assert not np.array_equal(times[0], times[1])


def test_metrics_of_resamples_are_those_of_the_drawn_images(monkeypatch):
    labels, probabilities = case(images=40)
    times = next(resample(labels, 1, seed=3))
    monkeypatch.setattr("sightline.scoring.metrics.intervals.resample", lambda *given: [times])
    found = bootstrap_intervals(labels, probabilities, 15, 1, 0.95, seed=3)
    drawn = np.repeat(np.arange(40), times[0])
    ranking = rank_classes(labels[drawn], probabilities[drawn])
    expected, _ = measure(labels[drawn], probabilities[drawn], ranking, [], 15)
    assert {name: found[name]["low"] for name in HEADLINES} == pytest.approx(
        {name: expected[name] for name in HEADLINES}
    )


def test_interval_of_the_accuracy_agrees_with_scipys_bootstrap():
    labels, probabilities = case()
    ones = np.zeros(300, dtype=int)  # one stratum, as SciPy has it
    right = (probabilities[np.arange(300), labels] > 0.5).astype(float)
    found = bootstrap_intervals(ones, np.stack([right, 1 - right], axis=1), 15, 4000, 0.9, seed=0)["accuracy"]
    expected = bootstrap(
        (right,), np.mean, n_resamples=4000, confidence_level=0.9, method="percentile", rng=0
    ).confidence_interval
    assert found["low"] == pytest.approx(expected.low, abs=0.01)
    assert found["high"] == pytest.approx(expected.high, abs=0.01)


def test_intervals_hold_the_value_and_follow_the_seed():
    labels, probabilities = case()
    found = bootstrap_intervals(labels, probabilities, 15, 300, 0.95, seed=1)
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    assert found["accuracy"]["low"] < accuracy < found["accuracy"]["high"]
    assert found == bootstrap_intervals(labels, probabilities, 15, 300, 0.95, seed=1)
    assert found != bootstrap_intervals(labels, probabilities, 15, 300, 0.95, seed=2)


def test_a_single_image_has_an_interval_without_width():
    found = bootstrap_intervals(np.array([1]), np.array([[0.0, 1.0]]), 15, 10, 0.95, seed=0)
    assert found["accuracy"] == {"low": 1.0, "high": 1.0}
    assert "matthews_corrcoef" not in found


@pytest.mark.parametrize(("right", "images"), [(0, 5), (3, 10), (50, 50)])
def test_wilson_is_scipys(right, images):
    low, high = wilson_interval(np.array([right]), np.array([images]), 0.95)
    expected = binomtest(right, images).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))
