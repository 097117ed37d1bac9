from itertools import combinations

import numpy as np
import pytest
import torch

from sightline.networks.architectures.handcrafted.heads import HEADS
from sightline.training.handcrafted.convert import convert, round_down
from sightline.training.handcrafted.estimators import ClassicalSettings, build_estimator

WIDTH, CLASSES = 12, 5
SETTINGS = ClassicalSettings(seed=0, class_weight="balanced", svm_c=2.0, forest_trees=15, forest_depth=6)


def make_clouds(classes: list[int], count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clouds of points; features of whole quarters, so that many fall on a tree's threshold."""
    draw = np.random.default_rng(len(classes))
    labels = np.sort(draw.choice(classes, count))
    centres = draw.normal(size=(CLASSES, WIDTH))
    points = np.round(4 * (centres[labels] + draw.normal(size=(count, WIDTH)))) / 4
    return (points / np.sqrt(2 * WIDTH)).astype(np.float32), labels


def fitted(classifier: str, classes: list[int]):
    points, labels = make_clouds(classes)
    estimator = build_estimator(classifier, SETTINGS).fit(points[::2], labels[::2])
    head = HEADS[classifier](CLASSES, WIDTH)
    head.take(**convert(classifier, estimator, CLASSES))
    return estimator, head, points


@pytest.mark.parametrize("classes", [[0, 1, 2, 3, 4], [0, 2, 3], [1, 4]])
def test_linear_head_decides_as_scikit_learn(classes):
    estimator, head, points = fitted("linear_svm", classes)
    scores, expected = head(torch.from_numpy(points)).numpy(), estimator.decision_function(points)
    if len(classes) == 2:
        expected = np.stack([-expected, expected], axis=1)
    np.testing.assert_allclose(scores[:, classes], expected, atol=1e-4)
    absent = [label for label in range(CLASSES) if label not in classes]
    assert not scores[:, absent].any()
    predicted = np.array(classes)[scores[:, classes].argmax(axis=1)]
    assert np.array_equal(predicted, estimator.predict(points))


@pytest.mark.parametrize("classes", [[0, 1, 2, 3, 4], [0, 2, 3], [1, 4]])
def test_kernel_head_decides_and_votes_as_scikit_learn(classes):
    estimator, head, points = fitted("svm", classes)
    decisions = head.decide(torch.from_numpy(points)).numpy()
    pairs = list(combinations(range(CLASSES), 2))
    present = [number for number, pair in enumerate(pairs) if set(pair) <= set(classes)]
    expected = estimator.decision_function(points).reshape(len(points), -1)
    if len(classes) == 2:  # scikit-learn then counts in favour of the second class
        expected = -expected
    np.testing.assert_allclose(decisions[:, present], expected, atol=1e-4)
    votes = np.zeros((len(points), CLASSES))
    for number in present:
        votes[decisions[:, number] > 0, pairs[number][0]] += 1
        votes[decisions[:, number] <= 0, pairs[number][1]] += 1
    assert np.array_equal(votes.argmax(axis=1), estimator.predict(points))


def test_soft_votes_of_three_classes_by_hand():
    head = HEADS["svm"](3, 1)
    head.take(intercept=torch.tensor([0.0, 0.25, -0.5]))  # 0 against 1, 0 against 2, 1 against 2; no support vectors
    half, sure, strong = np.log(0.5), np.log(1 / (1 + np.exp(-1))), np.log(1 / (1 + np.exp(-2)))
    expected = [half + sure, half + strong - 2, sure - 1 + strong]  # log sigmoid(-x) = log sigmoid(x) - x
    assert head(torch.zeros(1, 1))[0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("classes", [[0, 1, 2, 3, 4], [1, 4]])
def test_forest_head_gives_scikit_learns_probabilities(classes):
    estimator, head, points = fitted("random_forest", classes)
    shares = head.vote(torch.from_numpy(points)).numpy()
    np.testing.assert_allclose(shares[:, classes], estimator.predict_proba(points), atol=1e-6)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(points)), abs=1e-5)
    assert len(head.level_sizes) == 1 + max(tree.get_depth() for tree in estimator.estimators_)
    np.testing.assert_allclose(head(torch.from_numpy(points)).numpy(), np.log(np.maximum(shares, 1e-3)), atol=1e-5)


def test_thresholds_are_rounded_towards_the_right_side():
    thresholds = np.array([0.1, 1 / 3, 0.5, -0.1])
    rounded = round_down(thresholds)
    assert rounded.dtype == np.float32
    assert (rounded <= thresholds).all()
    assert (np.nextafter(rounded, np.float32(np.inf)) > thresholds).all()


@pytest.mark.parametrize("classifier", HEADS)
def test_a_head_takes_the_shapes_that_it_loads(classifier):
    _, head, points = fitted(classifier, [0, 1, 2, 3, 4])
    again = HEADS[classifier](CLASSES, WIDTH)
    assert not again(torch.from_numpy(points)).diff(dim=1).any()  # unfitted: every class alike
    again.load_state_dict(head.state_dict())
    assert torch.equal(again(torch.from_numpy(points)), head(torch.from_numpy(points)))
