"""Batches of different images: by hand, and as scikit-activeml chose them."""

import numpy as np
import pytest

from sightline.labelling.spread import badge, k_centre

LINE = np.array([[0.0], [1.0], [5.0], [10.0]], dtype=np.float32)


def test_k_centre_takes_the_farthest_and_then_the_farthest_from_both():
    choice = k_centre(LINE, np.array([[0.0]], dtype=np.float32), 3)
    assert choice.rows.tolist() == [3, 2, 1]
    assert choice.scores == pytest.approx([10, 5, 1])


def test_k_centre_takes_each_image_once_where_all_are_alike():
    choice = k_centre(np.zeros((3, 2), dtype=np.float32), np.zeros((1, 2), dtype=np.float32), 3)
    assert sorted(choice.rows.tolist()) == [0, 1, 2]
    assert choice.scores.tolist() == [0, 0, 0]


def test_badge_begins_with_the_longest_gradient():
    # errors (-0.5, 0.5), (-0.1, 0.1), (-0.4, 0.4): squared lengths 0.5, 0.02, 0.32, times those of the embeddings
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1], [0.6, 0.4]])
    choice = badge(probabilities, np.array([[1.0], [3.0], [2.0]]), 3, np.random.default_rng(0))
    assert choice.rows[0] == 2
    assert choice.scores[0] == pytest.approx(0.32 * 4)
    assert sorted(choice.rows.tolist()) == [0, 1, 2]


def test_badge_takes_different_gradients_before_equal_ones():
    # two gradients, ten times each: whatever is drawn, the second choice is of the other kind
    probabilities = np.repeat([[0.5, 0.5], [0.6, 0.4]], 10, axis=0)
    embeddings = np.repeat([[1.0, 0.0], [0.0, 1.0]], 10, axis=0)
    for seed in range(5):
        rows = badge(probabilities, embeddings, 2, np.random.default_rng(seed)).rows
        assert {row // 10 for row in rows.tolist()} == {0, 1}


def test_k_centre_as_scikit_activeml():
    # 1.0.1: CoreSet(random_state=0).query(embeddings, labels, batch_size=12), labels NaN but for the first seven
    wanted = [47, 27, 54, 9, 43, 31, 21, 46, 56, 14, 49, 38]
    embeddings = np.random.default_rng(0).normal(size=(60, 5))
    assert (k_centre(embeddings[7:], embeddings[:7], 12).rows + 7).tolist() == wanted


def test_badge_as_scikit_activeml():
    # 1.0.1: Badge(random_state=3).query(embeddings, all NaN, a classifier of these probabilities, batch_size=15), which
    # draws from the state below: check_random_state(3, 61)
    wanted = [31, 49, 43, 48, 45, 25, 13, 40, 24, 42, 50, 15, 59, 41, 8]
    embeddings = np.random.default_rng(0).normal(size=(60, 5))
    probabilities = np.random.default_rng(1).dirichlet(np.ones(4), 60)
    assert badge(probabilities, embeddings, 15, np.random.RandomState(423793791)).rows.tolist() == wanted
