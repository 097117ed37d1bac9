import numpy as np
import pytest

from sightline.scoring.metrics.measure import measure
from sightline.scoring.metrics.ranking import rank_classes
from sightline.scoring.metrics.sample import Sample, draw_doubtful, resample, turn_decisions


def test_a_resample_draws_as_many_images_as_there_are():
    times = np.concatenate(list(resample(6, 2000, np.random.default_rng(0))))
    assert times.shape == (2000, 6)
    assert (times.sum(axis=1) == 6).all()
    assert times.mean(axis=0) == pytest.approx(np.ones(6), abs=0.1)
    assert times.var(axis=0) == pytest.approx(np.full(6, 5 / 6), abs=0.1)  # of a binomial: 6 x 1/6 x 5/6


def test_metrics_of_resamples_are_those_of_the_drawn_images():
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 3, 40)
    probabilities = stream.dirichlet(np.ones(3), 40) * 0.5 + 0.5 * np.eye(3)[labels]
    times = next(resample(40, 1, stream))
    drawn = np.repeat(np.arange(40), times[0])
    expected, _ = measure(
        labels[drawn], probabilities[drawn], rank_classes(labels[drawn], probabilities[drawn]), [], 15
    )
    found = Sample(labels, probabilities, 15).measure(times / 7)  # only the ratios count
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "matthews_corrcoef", "log_loss", "brier", "ece"):
        assert found[name][0] == pytest.approx(expected[name])


def test_a_turned_decision_is_the_second_class_or_the_right_one():
    probabilities = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]])
    found = turn_decisions(np.array([0, 2]), probabilities)
    assert found.tolist() == [[0.3, 0.6, 0.1], [0.1, 0.3, 0.6]]
    assert probabilities[0, 0] == 0.6


def test_doubtful_images_are_eligible_and_mostly_unsure():
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5]])
    drawn = draw_doubtful(probabilities, np.array([True, True, False]), np.random.default_rng(0))
    assert set(drawn) == {0, 1}
    assert (drawn == 0).mean() == pytest.approx(5 / 6, abs=0.1)
    assert len(draw_doubtful(probabilities, np.zeros(3, dtype=bool), np.random.default_rng(0))) == 0
