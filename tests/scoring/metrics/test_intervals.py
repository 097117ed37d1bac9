import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binom, binomtest, bootstrap

from sightline.scoring.metrics.intervals import RESAMPLED, draw_weights, metric_intervals, pick_turned, wilson_interval
from sightline.scoring.metrics.measure import brier_scores, log_losses


def case(images=300, seed=0, sharpness=2.0, classes=3):
    stream = np.random.default_rng(seed)
    labels = stream.integers(0, classes, images)
    scores = stream.normal(size=(images, classes)) + sharpness * np.eye(classes)[labels]
    return labels, softmax(scores, axis=1)


def test_the_accuracies_of_resamples_have_the_ends_of_wilsons_intervals_as_their_quantiles():
    right = np.array([True] * 45 + [False] * 5)
    weights = np.concatenate(list(draw_weights(right, [7, 3], 4000, np.random.default_rng(0))))
    assert weights.shape == (4000, 60)
    assert weights.sum(axis=1) == pytest.approx(np.ones(4000))
    accuracies = weights[:, :45].sum(axis=1) + weights[:, 57:].sum(axis=1)
    for confidence in (0.5, 0.95):
        ends = np.quantile(accuracies, [(1 - confidence) / 2, (1 + confidence) / 2])
        assert ends == pytest.approx(binomtest(45, 50).proportion_ci(confidence, method="wilson"), abs=1e-3)


def test_turned_images_count_as_one_together():
    weights = pick_turned(1000, 4, np.random.default_rng(0))
    assert weights.sum(axis=1) == pytest.approx(np.ones(1000))
    assert weights.mean(axis=0) == pytest.approx(np.full(4, 0.25), abs=0.02)
    assert pick_turned(3, 0, np.random.default_rng(0)).shape == (3, 0)


def test_with_many_images_the_intervals_of_losses_are_those_of_scipys_bca():
    labels, probabilities = case(images=2000)
    found = metric_intervals(labels, probabilities, 2000, 0.9, seed=0)
    for name, losses in (("log_loss", log_losses), ("brier", brier_scores)):
        of_images = losses(labels, probabilities)
        expected = bootstrap(
            (of_images,), np.mean, n_resamples=2000, confidence_level=0.9, method="BCa", batch=100, rng=0
        ).confidence_interval
        width = expected.high - expected.low
        assert found[name]["low"] == pytest.approx(expected.low, abs=0.15 * width)
        assert found[name]["high"] == pytest.approx(expected.high, abs=0.15 * width)


def test_intervals_hold_the_value_and_follow_the_seed():
    labels, probabilities = case()
    found = metric_intervals(labels, probabilities, 300, 0.95, seed=1)
    assert list(found) == list(RESAMPLED)
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    assert found["accuracy"]["low"] < accuracy < found["accuracy"]["high"]
    assert found == metric_intervals(labels, probabilities, 300, 0.95, seed=1)
    assert found != metric_intervals(labels, probabilities, 300, 0.95, seed=2)


@pytest.mark.parametrize(("label", "expected"), [(1, (0.2065, 1.0)), (0, (0.0, 0.7935))])
def test_a_single_image_has_wilsons_interval(label, expected):
    found = metric_intervals(np.array([label]), np.array([[0.0, 1.0]]), 10, 0.95, seed=0)
    assert (found["accuracy"]["low"], found["accuracy"]["high"]) == pytest.approx(expected, abs=1e-4)
    assert "matthews_corrcoef" not in found


@pytest.mark.parametrize(("right", "images"), [(0, 5), (3, 10), (50, 50)])
def test_wilson_is_scipys(right, images):
    low, high = wilson_interval(np.array([right]), np.array([images]), 0.95)
    expected = binomtest(right, images).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("images", [49, 80, 359])
@pytest.mark.parametrize("accuracy", [0.98, 0.9])
def test_wilson_covers_by_the_binomial_distribution(images, accuracy):
    counts = np.arange(images + 1)
    low, high = wilson_interval(counts, np.full(images + 1, images), 0.95)
    assert binom.pmf(counts, images, accuracy)[(low <= accuracy) & (accuracy <= high)].sum() > 0.925


@pytest.mark.parametrize("images", [49, 80])
def test_the_intervals_of_few_images_cover(images):
    """Simulated: a network of three classes that is right in 97 of 100 cases; percentiles alone cover 0.75."""
    labels, probabilities = case(100000, sharpness=3.0)
    truth = {
        "accuracy": (probabilities.argmax(axis=1) == labels).mean(),
        "log_loss": log_losses(labels, probabilities).mean(),
        "brier": brier_scores(labels, probabilities).mean(),
    }
    truth |= dict.fromkeys(("balanced_accuracy", "f1_macro"), truth["accuracy"])  # the classes are alike
    stream = np.random.default_rng(1)
    hits = dict.fromkeys(truth, 0)
    for seed in range(150):
        tested = stream.integers(0, len(labels), images)
        found = metric_intervals(labels[tested], probabilities[tested], 200, 0.95, seed)
        hits = {name: hits[name] + (found[name]["low"] <= truth[name] <= found[name]["high"]) for name in truth}
    assert truth["accuracy"] == pytest.approx(0.97, abs=0.015)
    assert {name: count / 150 for name, count in hits.items() if count < 0.9 * 150} == {}
