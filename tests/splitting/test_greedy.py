"""Divisions of data that scikit-learn refuses or divides badly; shares are of images."""

import numpy as np
import pytest

from sightline.splitting.assign import draw_folds, draw_stratified
from sightline.splitting.sides import share_out

SHARES = {"test": 0.2, "val": 0.15}
ASKED = {"train": 0.65, "val": 0.15, "test": 0.2}


def count(labels, units, seed=0, shares=SHARES):
    """Images of each class, [class, subset], in the order of `ASKED`."""
    subsets = draw_stratified(labels, units, shares, seed)
    table = np.zeros((labels.max() + 1, 3), dtype=int)
    np.add.at(table, (labels, subsets.codes), 1)
    return table


@pytest.mark.parametrize(
    ("patients", "expected"), [(3, [1, 1, 1]), (6, [4, 1, 1]), (10, [7, 1, 2]), (15, [10, 2, 3]), (20, [13, 3, 4])]
)
def test_few_patients_are_divided_to_the_nearest_share(patients, expected):
    labels = np.repeat([0, 1], 60)
    units = np.tile(np.arange(60) % patients, 2)
    images = 60 // patients  # of each class and patient
    assert count(labels, units).tolist() == [[images * number for number in expected]] * 2


def test_a_unit_of_most_images_is_trained_and_the_rest_divided_as_the_shares_stand():
    labels = np.repeat([0, 1], 100)
    units = np.arange(200)
    units[:80] = units[100:180] = 0
    table = count(labels, units)
    assert table[:, 0].tolist() == [80, 80]
    assert abs(table[:, 1].sum() - 17.1) < 1  # 40 images where 30 and 40 were asked: 17.1 and 22.9
    assert np.abs(table[0] - table[1]).max() <= 2


@pytest.mark.parametrize("seed", [0, 1])
def test_equal_placeholders_are_trained_and_the_shares_stay(seed):
    labels = np.repeat([0, 1], 250)
    table = count(labels, np.maximum(np.arange(500), 199), seed)
    assert table.sum(axis=0).tolist() == [325, 75, 100]
    assert table[0, 0] == 200


@pytest.mark.parametrize(("each", "covered"), [(2, [100, 30, 40]), (3, [100, 45, 60]), (6, [100, 90, 100])])
def test_many_small_classes_keep_the_shares_and_give_one_image_as_long_as_they_last(each, covered):
    table = count(np.repeat(np.arange(100), each), np.arange(100 * each))
    assert table.sum(axis=0).tolist() == [round(share * 100 * each) for share in ASKED.values()]
    assert np.count_nonzero(table, axis=0).tolist() == covered


def test_rare_classes_beside_common_ones_are_everywhere():
    labels = np.repeat(np.arange(9), [1000, 500, 300, 5, 4, 3, 3, 2, 1])
    table = count(labels, np.arange(len(labels)))
    assert (table[:7] > 0).all()
    assert table[8].tolist() == [1, 0, 0]
    assert np.abs(table - table.sum(axis=1, keepdims=True) * list(ASKED.values())).max() <= 2


def test_one_duplicate_leaves_proportions_exact():
    labels = np.arange(2000) % 10
    table = count(labels, np.maximum(np.arange(2000), 1))
    assert (np.abs(table - [130, 30, 40]) <= 1).all()
    assert table.sum(axis=0).tolist() == [1300, 300, 400]


def test_another_seed_tests_other_patients_of_different_sizes():
    units = np.repeat(np.arange(20), np.arange(40, 60))
    labels = np.arange(len(units)) % 3
    tested = {tuple(np.unique(units[draw_stratified(labels, units, SHARES, seed) == "test"])) for seed in range(8)}
    assert len(tested) > 4


@pytest.mark.parametrize("seed", range(60))
def test_random_divisions_keep_units_whole_shares_near_and_classes_trained(seed):
    labels, units = make_units(np.random.default_rng(seed))
    subsets = np.asarray(draw_stratified(labels, units, SHARES, seed))
    sides = np.unique(np.stack([units, draw_stratified(labels, units, SHARES, seed).codes]), axis=1)
    assert len(sides[0]) == len(np.unique(units))  # none on two sides
    assert set(labels[subsets == "train"]) == set(labels)
    largest = np.bincount(units).max()
    far = {name: abs((subsets == name).sum() - share * len(labels)) for name, share in ASKED.items()}
    assert max(far.values()) <= max(largest, 0.02 * len(labels))
    of_class = np.unique(np.stack([units, labels]), axis=1)[1]  # one entry a unit and class
    for name, share in SHARES.items():
        missing = set(np.flatnonzero(np.bincount(of_class) >= 3)) - set(labels[subsets == name])
        assert not missing or share * len(labels) - (subsets == name).sum() <= largest / 2 + 1  # there was no room


def make_units(random):
    """Classes and units of 60 to 500 images: alone, of any size, of one class each, or a few large ones."""
    count, classes = random.integers(60, 500), random.integers(2, 9)
    labels = np.append(np.arange(classes).repeat(3), random.integers(0, classes, count - 3 * classes))
    kind = random.integers(4)
    units = [
        np.arange(count),
        random.integers(0, count // random.integers(2, 6), count),
        labels * 100 + random.integers(0, 8, count),
        random.choice(30, count, p=random.dirichlet(np.full(30, 0.5))),
    ][kind]
    return labels, np.unique(units, return_inverse=True)[1]


@pytest.mark.parametrize("patients", [5, 6, 12])
def test_folds_of_few_patients_are_none_of_them_empty(patients):
    units = np.arange(120) % patients
    folds = draw_folds(np.arange(120) // 60, units, 5, 0)
    largest = -(-patients // 5) * 120 // patients
    assert 0 < np.bincount(folds, minlength=5).min() <= np.bincount(folds).max() <= largest
    assert all(len(set(folds[units == unit])) == 1 for unit in range(patients))


def test_sharing_out_is_taking_the_largest_gains_one_by_one():
    gain, step = np.array([9.0, 3.5, -20.0]), np.array([2.0, 1.0, 0.5])
    # gains in turn: 9, 7, 5, 3.5, 3, 2.5, 1.5, 1, 0.5: the first side's are 9, 7, 5, 3, 1
    assert [share_out(number, gain, step).tolist() for number in (1, 4, 9)] == [[1, 0, 0], [3, 1, 0], [5, 4, 0]]
