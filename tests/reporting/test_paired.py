import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss

from sightline.reporting.paired import Pair, bootstrap_differences, mcnemar, pair_up
from sightline.reporting.revision import StoredPredictions


def pair_of(labels, before, after) -> Pair:
    images = pd.DataFrame({"id": [str(n) for n in range(len(labels))], "label": labels, "row": np.arange(len(labels))})
    return Pair(images, np.asarray(before, np.float32), np.asarray(after, np.float32), 0)


@pytest.mark.parametrize(
    ("won", "lost", "chance"),
    [(0, 0, 1.0), (3, 4, 1.0), (0, 6, 2 / 64), (1, 9, 2 * (1 + 10) / 1024)],  # two-sided binomial tails
)
def test_mcnemar_by_hand(won, lost, chance):
    before = np.array([False] * won + [True] * lost + [True, False])
    after = np.array([True] * won + [False] * lost + [True, False])
    assert mcnemar(before, after) == pytest.approx(chance)


def random_pair(images: int, seed: int) -> Pair:
    stream = np.random.default_rng(seed)
    labels = stream.integers(0, 3, images)
    hint = 1.5 * np.eye(3)[labels]
    before, after = (np.exp(hint + stream.normal(size=(images, 3))) for _ in range(2))
    return pair_of(labels, before / before.sum(1, keepdims=True), after / after.sum(1, keepdims=True))


def test_differences_are_those_of_scikit_learn():
    pair = random_pair(200, seed=0)
    found = bootstrap_differences(pair, bins=10, resamples=50, confidence=0.9, seed=0)
    for when, probabilities in (("before", pair.before), ("after", pair.after)):
        accuracy = balanced_accuracy_score(pair.labels, probabilities.argmax(1))
        assert getattr(found["balanced_accuracy"], when) == pytest.approx(accuracy)
        assert getattr(found["log_loss"], when) == pytest.approx(log_loss(pair.labels, probabilities), rel=1e-5)


def test_the_interval_is_that_of_the_paired_differences():
    pair = random_pair(400, seed=1)
    before, after = pair.right()
    gaps = after.astype(float) - before
    found = bootstrap_differences(pair, bins=10, resamples=4000, confidence=0.95, seed=3)["accuracy"]
    won, lost = ((gaps == sign).sum() + 1 for sign in (1, -1))
    middle = (won - lost) / 402  # Bonett and Price, 2012
    spread = np.sqrt(((won + lost) / 402 - middle**2) / 402)
    assert found.low == pytest.approx(middle - 1.96 * spread, abs=0.1 * spread)
    assert found.high == pytest.approx(middle + 1.96 * spread, abs=0.1 * spread)


def test_models_that_never_disagree_may_still_differ():
    right = np.array([[0.9, 0.1]] * 40)
    pair = pair_of(np.zeros(40, dtype=int), right, right * [0.9, 1] + [0, 0.09])
    found = bootstrap_differences(pair, 10, 1000, 0.95, seed=0)["accuracy"]
    assert (found.before, found.after) == (1, 1)
    assert (found.low, found.high) == pytest.approx((-2 / 42, 2 / 42), abs=0.03)  # of two images more, one each way


def test_equal_models_differ_by_nothing():
    pair = random_pair(50, seed=2)
    found = bootstrap_differences(pair_of(pair.labels, pair.before, pair.before), 10, 20, 0.95, 0)
    assert all((one.low, one.high) == (0, 0) and one.is_noise for one in found.values())


def test_images_are_matched_by_id_and_label():
    old = pd.DataFrame(
        {"id": ["v", "a", "b", "c"], "row": [0, 1, 2, 3], "subset": ["val"] + ["test"] * 3, "label": [0, 0, 1, 1]}
    )
    new = pd.DataFrame({"id": ["c", "b", "d", "v"], "row": [7, 8, 9, 6], "subset": ["test"] * 4, "label": [1, 0, 1, 0]})
    probabilities = np.arange(8, dtype=np.float32).reshape(4, 2)
    pair = pair_up(StoredPredictions(old, probabilities), StoredPredictions(new, -probabilities))
    assert pair.images.values.tolist() == [["c", 1, 7]]  # b has another label, v was validation
    assert (pair.before.tolist(), pair.after.tolist()) == ([[6, 7]], [[0, -1]])
    assert pair.unmatched == 2 + 3
