"""The interval that holds at all times: by hand, and by simulation of somebody who looks after every number."""

import numpy as np
import pytest

from sightline.monitoring.arms.betting import SIZES, log_stakes, mean_interval

VALUES = np.array([-1.0, 0.0, 1.0])
ALPHA = 0.05


def test_a_stake_against_zero_by_hand():
    stakes = log_stakes(np.array([1.0, -1.0]), np.array([2, 1]), np.array([0.0]))
    by_hand = np.mean([(1 + bet) ** 2 * (1 - bet) for bet in (*SIZES, *-SIZES)])
    assert np.exp(stakes) == pytest.approx(by_hand)


def test_bets_are_fair_against_the_true_mean():
    shares = np.array([0.2, 0.5, 0.3])  # of -1, 0 and 1: mean 0.1
    once = np.exp(log_stakes(VALUES, np.eye(3), np.array([0.1])))[:, 0]
    assert shares @ once == pytest.approx(1)


def test_the_interval_is_where_no_bet_has_won():
    numbers = np.repeat([1.0, 0.0, -1.0], [60, 900, 40])
    low, high = mean_interval(numbers, ALPHA)
    assert low < 0.02 < high
    stakes = log_stakes(VALUES, np.array([40, 900, 60]), np.array([low - 0.001, 0.02, high + 0.001]))
    assert (stakes < np.log(1 / ALPHA)).tolist() == [False, True, False]
    assert mean_interval(-numbers, ALPHA) == pytest.approx((-high, -low))
    narrow = mean_interval(np.tile(numbers, 10), ALPHA)
    assert low < narrow[0] < 0.02 < narrow[1] < high


def test_extremes():
    assert mean_interval(np.array([]), ALPHA) == (-1, 1)
    assert mean_interval(np.ones(300), ALPHA)[1] == 1
    assert mean_interval(-np.ones(300), ALPHA)[0] == -1


def first_decisions(shares, numbers, runs, seed):
    """Return after how many numbers -1, 0 and 1, with these shares, each run speaks against a mean of 0; inf: never."""
    stream = np.random.default_rng(seed)
    found = np.full(runs, np.inf)
    for run in range(runs):
        drawn = stream.choice(3, p=shares, size=numbers)
        stakes = log_stakes(VALUES, np.cumsum(np.eye(3)[drawn], axis=0), np.array([0.0]))[:, 0]
        crossed = np.flatnonzero(stakes >= np.log(1 / ALPHA))
        found[run] = crossed[0] + 1 if len(crossed) else np.inf
    return found


@pytest.mark.parametrize("shares", [(0.09, 0.82, 0.09), (0.01, 0.98, 0.01)])
def test_who_looks_after_every_number_is_seldom_wrong(shares):
    wrong = np.isfinite(first_decisions(shares, 500, 100, 0)).mean()
    assert wrong <= ALPHA  # its own chance of failing is below 0.05 only; the seed is fixed


def test_a_shadow_finds_two_points_within_some_two_thousand_images():
    found = first_decisions((0.01, 0.96, 0.03), 3000, 40, 1)
    assert np.median(found) < 1500
    assert (found <= 3000).mean() > 0.9
