import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sightline.common.errors import SightlineError
from sightline.training.recipe.probe import STRENGTHS, Features, divide, fit_probe, fit_regression

NONE = Features(np.empty((0, 6), np.float32), np.empty(0, dtype=int))


def make(count, classes, seed, labels=None):
    """Return features of six numbers of different sizes, of which two tell the class."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count) if labels is None else labels
    values = random.normal(0, 1, (count, 6))
    values[:, 0] += labels
    values[:, 1] -= 2 * (labels == 1)
    return Features((values * [1, 2, 3, 0.5, 10, 1] + 5).astype(np.float32), labels)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def predict(probe, data):
    return softmax(data.values @ probe.weight.T + probe.bias)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("counts", [[1.0, 1.0, 1.0], [0.5, 3.0, 2.0]])
def test_it_predicts_what_scikit_learn_does_on_the_same_features(classes, counts):
    train, fresh = make(90, classes, 0), make(50, classes, 1)
    counts = np.array(counts[:classes])
    scaler = StandardScaler().fit(train.values.astype(float))
    model = LogisticRegression(C=0.1, tol=1e-8, class_weight=dict(enumerate(counts)))
    model.fit(scaler.transform(train.values.astype(float)), train.labels)
    expected = model.predict_proba(scaler.transform(fresh.values.astype(float)))
    probe = fit_regression(train, 0.1, counts)
    assert predict(probe, fresh) == pytest.approx(expected, abs=1e-5)
    assert probe.losses(fresh) == pytest.approx(-np.log(expected[np.arange(50), fresh.labels]), abs=1e-4)


def test_of_one_feature_that_splits_two_classes_the_head_is_symmetric_and_worked_out_by_hand():
    """Standardised, the feature is -1, -1, 1, 1; weight w solves w = C * 4 / (1 + e^w), which is 1.0425 for C = 1."""
    probe = fit_regression(Features(np.float32([[1], [1], [5], [5]]), np.array([0, 0, 1, 1])), 1.0, np.ones(2))
    solution = probe.weight[1, 0] * 2 * 2  # both classes share it, and it was divided by a deviation of 2
    assert solution == pytest.approx(4 / (1 + np.exp(solution)), abs=1e-4)
    assert solution == pytest.approx(1.0425, abs=1e-3)
    assert probe.weight[0, 0] == -probe.weight[1, 0]
    assert probe.bias[1] - probe.bias[0] == pytest.approx(-solution * 3 / 2, abs=1e-4)  # between the classes, at 3


def test_the_strength_is_that_of_the_lowest_loss_on_validation_images():
    train, val = make(60, 3, 0), make(200, 3, 1)
    losses = [fit_regression(train, c, np.ones(3)).losses(val).sum() for c in STRENGTHS]
    assert 0 < np.argmin(losses) < len(STRENGTHS) - 1
    assert fit_probe(train, val, 3, None).c == STRENGTHS[np.argmin(losses)]
    wrong = Features(train.values, (train.labels + 1) % 3)
    assert fit_probe(wrong, val, 3, None).c == STRENGTHS[0]


def test_without_validation_images_each_part_is_predicted_by_a_fit_on_the_others():
    train = make(60, 3, 0, np.arange(60) % 3)
    parts = list(divide(train))
    assert [(len(rest), len(held_out)) for rest, held_out in parts] == [(48, 12)] * 5
    assert sorted(np.concatenate([held_out.values for _, held_out in parts]).tolist()) == sorted(train.values.tolist())
    losses = [
        sum(fit_regression(rest, c, np.ones(3)).losses(held_out).sum() for rest, held_out in parts) for c in STRENGTHS
    ]
    assert fit_probe(train, NONE, 3, None).c == STRENGTHS[np.argmin(losses)]


def test_class_weights_move_it_towards_rare_classes():
    train, fresh = make(80, 2, 0, np.array([0] * 72 + [1] * 8)), make(400, 2, 1)
    plain = fit_probe(train, NONE, 2, None)
    balanced = fit_probe(train, NONE, 2, torch.tensor([80 / 144, 5.0]))
    assert predict(balanced, fresh)[:, 1].mean() > predict(plain, fresh)[:, 1].mean() + 0.1


def test_a_class_without_training_images_is_unlikely_but_possible_and_changes_no_other():
    train, fresh = make(40, 2, 0), make(40, 2, 1)
    three = fit_regression(train, 0.1, np.ones(3))
    two = fit_regression(train, 0.1, np.ones(2))
    found = predict(three, train)
    assert found[:, 2].max() == pytest.approx(1 / 41)  # odds of 1 to 40 where the others say least
    rest = predict(three, fresh)[:, :2]
    assert rest / rest.sum(axis=1, keepdims=True) == pytest.approx(predict(two, fresh))


def test_a_feature_that_never_varies_changes_nothing_and_few_images_are_enough():
    train = make(40, 2, 0)
    constant = np.c_[train.values, np.full(40, 7, np.float32)]
    wide = fit_regression(Features(constant, train.labels), 0.1, np.ones(2))
    assert wide.weight[:, 6] == pytest.approx([0, 0], abs=1e-9)
    assert wide.weight[:, :6] == pytest.approx(fit_regression(train, 0.1, np.ones(2)).weight, abs=1e-4)
    pair = Features(np.float32([[0.0], [1.0]]), np.array([0, 1]))
    assert fit_probe(pair, Features(np.empty((0, 1), np.float32), np.empty(0, dtype=int)), 2, None).c == STRENGTHS[0]


def test_images_of_one_class_are_refused_in_one_line():
    with pytest.raises(SightlineError, match="needs training images of two classes at least") as caught:
        fit_probe(make(4, 3, 0, np.full(4, 2)), NONE, 3, None)
    assert "\n" not in str(caught.value)
