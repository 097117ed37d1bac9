import numpy as np
import pytest

from sightline.common.errors import SightlineError
from sightline.splitting.assign import (
    draw_by_hash,
    draw_stratified,
    hash_position,
    index_units,
    stratified_folds,
    stratified_share,
)
from sightline.splitting.leaks import find_fold_leaks, find_leaks

LABELS = np.repeat([0, 1, 2], [50, 30, 20])
ALONE = np.arange(100)


def test_units_are_indexed_as_numpy_does_by_sorting():
    units = np.random.default_rng(0).integers(0, 500, 1000)
    _, first, unit_of = np.unique(units, return_index=True, return_inverse=True)
    found = index_units(units)
    assert found[0].tolist() == first.tolist()
    assert found[1].tolist() == unit_of.tolist()


def test_shares_are_exact_in_each_class():
    subsets = draw_stratified(LABELS, ALONE, {"test": 0.2, "val": 0.1}, grouped=False, seed=0)
    counts = {name: np.bincount(LABELS[subsets == name]).tolist() for name in ("train", "val", "test")}
    assert counts == {"train": [35, 21, 14], "val": [5, 3, 2], "test": [10, 6, 4]}


def test_a_seed_decides_the_draw():
    draws = [stratified_share(LABELS, ALONE, 0.2, False, seed).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_units_stay_whole():
    units = ALONE // 2  # pairs of duplicates
    chosen = stratified_share(LABELS, units, 0.2, False, 0)
    assert (chosen[::2] == chosen[1::2]).all()
    assert chosen.sum() == 20


def test_groups_stay_whole_and_near_their_share():
    groups = np.random.default_rng(0).integers(0, 40, 1000)
    labels = np.random.default_rng(1).integers(0, 3, 1000)
    chosen = stratified_share(labels, groups, 0.15, True, 0)
    assert not set(groups[chosen]) & set(groups[~chosen])
    assert 0.10 < chosen.mean() < 0.20


@pytest.mark.parametrize("grouped", [False, True])
def test_folds_hold_every_image_once_and_units_whole(grouped):
    units = np.arange(300) // 3
    labels = (np.arange(300) // 3) % 3
    folds = stratified_folds(labels, units, 5, grouped, 0)
    assert np.bincount(folds).tolist() == [60] * 5
    assert all(len(set(folds[units == unit])) == 1 for unit in range(100))
    assert np.bincount(labels[folds == 0]).min() >= 18


def test_a_share_too_small_for_the_classes_is_one_line():
    with pytest.raises(SightlineError, match=r"split.test: 0.02 of 100 images cannot be drawn by class") as caught:
        draw_stratified(LABELS, ALONE, {"test": 0.02}, grouped=False, seed=0)
    assert "\n" not in str(caught.value)


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
