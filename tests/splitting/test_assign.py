import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from sightline.common.errors import SightlineError
from sightline.common.seeding import stream_seed
from sightline.splitting.assign import draw_by_hash, draw_folds, draw_stratified, hash_position
from sightline.splitting.leaks import find_fold_leaks, find_leaks

LABELS = np.repeat([0, 1, 2], [50, 30, 20])
ALONE = np.arange(100)


def test_shares_are_exact_in_each_class():
    subsets = draw_stratified(LABELS, ALONE, {"test": 0.2, "val": 0.1}, seed=0)
    counts = {name: np.bincount(LABELS[subsets == name]).tolist() for name in ("train", "val", "test")}
    assert counts == {"train": [35, 21, 14], "val": [5, 3, 2], "test": [10, 6, 4]}


def test_images_that_stand_alone_are_drawn_as_scikit_learn_does():
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=20, random_state=stream_seed(3, "test"))
    _, drawn = next(splitter.split(LABELS, LABELS))
    subsets = draw_stratified(LABELS, ALONE, {"test": 0.2}, seed=3)
    assert np.flatnonzero(subsets == "test").tolist() == sorted(drawn)
    folds = draw_folds(LABELS, ALONE, 5, seed=3)
    splits = StratifiedKFold(5, shuffle=True, random_state=3).split(LABELS, LABELS)
    assert [np.flatnonzero(folds == fold).tolist() for fold in range(5)] == [held.tolist() for _, held in splits]


@pytest.mark.parametrize("units", [ALONE, np.maximum(ALONE, 1)])
def test_a_seed_decides_the_draw(units):
    draws = [draw_stratified(LABELS, units, {"test": 0.2}, seed).codes.tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_units_stay_whole():
    units = ALONE // 2  # pairs of duplicates
    chosen = np.asarray(draw_stratified(LABELS, units, {"test": 0.2}, 0) == "test")
    assert (chosen[::2] == chosen[1::2]).all()
    assert np.bincount(LABELS[chosen]).tolist() == [10, 6, 4]


def test_groups_stay_whole_and_near_their_share():
    groups = np.random.default_rng(0).integers(0, 40, 1000)
    labels = np.random.default_rng(1).integers(0, 3, 1000)
    chosen = np.asarray(draw_stratified(labels, groups, {"test": 0.15}, 0) == "test")
    assert not set(groups[chosen]) & set(groups[~chosen])
    assert 0.14 < chosen.mean() < 0.16  # a group has 0.025 of the images


@pytest.mark.parametrize("units", [np.arange(300) // 3, np.arange(300)])
def test_folds_hold_every_image_once_and_units_whole(units):
    labels = (np.arange(300) // 3) % 3
    folds = draw_folds(labels, units, 5, 0)
    assert np.bincount(folds).tolist() == [60] * 5
    assert all(len(set(folds[units == unit])) == 1 for unit in range(units.max() + 1))
    assert np.bincount(labels[folds == 0]).min() >= 18


def test_more_folds_than_images_of_a_class_spread_it():
    labels = np.repeat(np.arange(100), 3)
    folds = draw_folds(labels, np.arange(300), 5, 0)
    assert np.bincount(folds).tolist() == [60] * 5
    assert all(len(set(folds[labels == label])) == 3 for label in range(100))


def test_more_folds_than_units_are_one_line():
    message = r"^params.yaml: folds: 5 cannot be made of 4 units that stay whole .groups, duplicates.: set 4 or fewer$"
    with pytest.raises(SightlineError, match=message):
        draw_folds(LABELS, ALONE // 25, 5, 0)


def test_hashing_moves_no_old_image_and_keeps_the_shares():
    keys = [f"{number:064x}" for number in range(5000)]
    shares = {"test": 0.2, "val": 0.1}
    before = draw_by_hash(keys[:4000], shares, seed=0)
    after = draw_by_hash(keys, shares, seed=0)
    assert (after[:4000] == before).all()
    assert abs((after == "test").mean() - 0.2) < 0.02
    assert abs((after == "val").mean() - 0.1) < 0.02
    assert (draw_by_hash(keys, shares, seed=1) != after).any()


def test_hash_positions_are_even_and_streams_independent():
    keys = [str(number) for number in range(4000)]
    one, other = hash_position(keys, 0, "split"), hash_position(keys, 0, "folds")
    assert np.histogram(one, 4, (0, 1))[0].min() > 900
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


def test_leaks_are_the_lower_sides_images():
    subsets = np.array(["train", "train", "val", "test", "test", "train"])
    clusters = np.array([7, 8, 7, 8, 9, -1])
    found = {name: images.nonzero()[0].tolist() for name, images in find_leaks(clusters, subsets).items()}
    assert found == {"val_test": [], "train_test": [1], "train_val": [0]}
    assert not find_leaks(np.full(6, -1), subsets)["train_test"].any()


def test_fold_leaks_are_clusters_in_two_folds():
    found = find_fold_leaks(np.array([1, 1, 2, 2, 3, -1, -1]), np.array([0, 1, 1, 1, -1, 0, 1]))
    assert found.nonzero()[0].tolist() == [0, 1]
