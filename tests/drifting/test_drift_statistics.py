import numpy as np
import pytest
from scipy import linalg, stats

from sightline.drifting.statistics import (
    compare_values,
    correct,
    farthest_share,
    frechet_distance,
    permute,
    redraw_shares,
    share_as_far,
    standardized_shift,
    total_variation,
)


def test_kolmogorov_smirnov_by_hand():
    statistic, p = compare_values(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.5, 5.0, 6.0, 7.0]))
    assert statistic == 0.75  # below 3.5 lie three of four and none of four
    assert p == pytest.approx(16 / 70)  # of 70 orders of 4 and 4, 16 come so far apart


def test_shifts_by_hand():
    assert standardized_shift(np.array([0.0, 2.0]), np.array([4.0, 6.0])) == pytest.approx(4 / np.sqrt(2))
    assert standardized_shift(np.array([0.0, 0.0]), np.array([1.0, 3.0])) == pytest.approx(2.0)  # variances 0 and 2
    assert standardized_shift(np.ones(3), np.ones(4)) == 0
    assert standardized_shift(np.ones(3), np.zeros(4)) is None


def test_frechet_distance_by_hand_and_by_scipy():
    line = np.array([[-1.0], [1.0]])  # variance 2
    assert frechet_distance(line, 2 * line + 3) == pytest.approx(9 + (np.sqrt(8) - np.sqrt(2)) ** 2)
    stream = np.random.default_rng(0)
    first, second = stream.normal(size=(50, 4)), stream.normal(size=(70, 4)) @ stream.normal(size=(4, 4)) + 1
    covariances = [np.cov(part, rowvar=False) for part in (first, second)]
    expected = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + np.trace(sum(covariances))
    expected -= 2 * np.trace(linalg.sqrtm(covariances[0] @ covariances[1]).real)
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_permutations_agree_with_scipy():
    stream = np.random.default_rng(1)
    first, second = stream.normal(size=(12, 1)), stream.normal(size=(9, 1)) + 1

    def apart(one, other, axis=0):
        return np.abs(one.mean(axis=axis) - other.mean(axis=axis))

    found = permute(lambda one, other: float(apart(one, other)[0]), first, second, 4000, stream)
    expected = stats.permutation_test((first[:, 0], second[:, 0]), apart, n_resamples=4000, rng=stream, vectorized=True)
    one_sided = stats.permutation_test(
        (first[:, 0], second[:, 0]), apart, n_resamples=4000, rng=stream, vectorized=True, alternative="greater"
    )
    assert expected.statistic == pytest.approx(apart(first, second)[0])
    assert share_as_far(float(apart(first, second)[0]), found) == pytest.approx(one_sided.pvalue, abs=0.02)


def test_p_values_of_permutations_are_never_0():
    assert share_as_far(3.0, np.array([1.0, 2.0, 3.0])) == 0.5
    assert share_as_far(9.0, np.array([1.0, 2.0, 3.0])) == 0.25


def test_shares_by_hand():
    assert total_variation(np.array([6, 2]), np.array([1, 3])) == 0.5
    stream = np.random.default_rng(0)
    found = redraw_shares(
        total_variation, np.array([1, 1]), np.array([1, 1]), 4000, stream
    )  # 2 of 4: alike in 4 of 6 draws
    assert np.unique(found).tolist() == [0, 1]
    assert (found == 0).mean() == pytest.approx(2 / 3, abs=0.03)


def test_the_class_that_moved_most_by_hand():
    # 3 of 10 and none of 10: 0.15 together, so 0.3 / sqrt(0.15 * 0.85 * 0.2); the other two moved by 0.1 and 0.2
    assert farthest_share(np.array([3, 5, 2]), np.array([0, 6, 4])) == pytest.approx(0.3 / 0.0255**0.5)
    assert farthest_share(np.array([4, 0]), np.array([7, 0])) == 0


def test_holm_by_hand():
    assert correct(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert correct(np.array([0.5, 0.9])).tolist() == [1, 1]
