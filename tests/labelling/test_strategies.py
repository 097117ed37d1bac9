"""Strategies by their names: what each asks of a small pool."""

import numpy as np
import pytest

from sightline.common.errors import SightlineError
from sightline.images.pool import as_numbers
from sightline.labelling.distinct import one_of_each
from sightline.labelling.seen import Seen
from sightline.labelling.strategies import STRATEGIES, Question, choose

# margins 0.1, 0.5, 0.3, 0.7 in 60 images, of which each fourth is alike
PROBABILITIES = np.tile([[0.55, 0.45], [0.75, 0.25], [0.35, 0.65], [0.15, 0.85]], (15, 1))


def question(count: int, features: int = 3) -> Question:
    embeddings = np.random.default_rng(0).normal(size=(60, features)).astype(np.float32)
    pool = Seen(PROBABILITIES, embeddings)
    return Question(pool, lambda: pool.of(np.array([59])), count, np.random.default_rng(1))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("count", [1, 7, 60])
def test_each_image_is_asked_for_once(strategy, count):
    choice = choose(strategy, question(count))
    assert len(choice.rows) == len(choice.scores) == count
    assert len(set(choice.rows.tolist())) == count


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_equal_draws_give_equal_batches(strategy):
    assert choose(strategy, question(9)).rows.tolist() == choose(strategy, question(9)).rows.tolist()


@pytest.mark.parametrize("strategy", ["margin", "entropy", "least_confidence"])
def test_the_least_sure_come_first(strategy):
    assert choose(strategy, question(17)).rows.tolist() == [*range(0, 60, 4), 2, 6]


@pytest.mark.parametrize("strategy", ["mix", "badge", "k_centre"])
def test_a_model_without_embeddings_is_told(strategy):
    with pytest.raises(SightlineError, match="no embeddings"):
        choose(strategy, question(2, features=0))


def test_of_images_that_look_alike_the_least_sure_is_left():
    phash = as_numbers([b"000000000000000f", b"00000000ffff0000", b"000000000000000e", b"00000000ffff0000"])
    assert one_of_each(phash, np.array([0.1, 0.5, 0.9, 0.5]), bits=1).tolist() == [1, 2]
    assert one_of_each(phash, np.array([0.1, 0.5, 0.9, 0.5]), bits=0).tolist() == [0, 1, 2]


def test_the_mix_asks_for_one_image_of_each_kind():
    # ten unsure images of each of three kinds, and a sure one that is none of them
    kinds = np.repeat(np.eye(3), 10, axis=0)
    embeddings = np.concatenate([kinds, [[9.0, 9.0, 9.0]]]).astype(np.float32)
    probabilities = np.array([[0.5, 0.5]] * 30 + [[1.0, 0.0]])
    for seed in range(5):
        draws = np.random.default_rng(seed)
        rows = choose("mix", Question(Seen(probabilities, embeddings), lambda: None, 3, draws)).rows
        assert {row // 10 for row in rows.tolist()} == {0, 1, 2}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.filterwarnings("error")
def test_images_that_are_all_alike_are_asked_for_once_each(strategy):
    pool = Seen(np.full((6, 2), 0.5), np.ones((6, 3), dtype=np.float32))
    rows = choose(strategy, Question(pool, lambda: pool, 4, np.random.default_rng(0))).rows
    assert len(set(rows.tolist())) == 4
