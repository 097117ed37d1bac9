import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from sightline.training.heads.imprint import SURELY_NOT, fit_length, imprint
from sightline.training.heads.prototypes import Prototypes, fit_prototypes, unit
from sightline.training.recipe.probe import Features


def test_prototypes_worked_out_by_hand():
    """Class 0 is (3, 4) and (4, 3), whose mean at length 1 points along (1, 1); class 2 is (0, 10)."""
    seen = Features(np.float32([[3, 4], [4, 3], [0, 10]]), np.array([0, 0, 2]))
    head = fit_prototypes(seen, 3)
    factor = 10 / (20 / 3)
    np.testing.assert_allclose(head.weight, factor * np.array([[0.5**0.5, 0.5**0.5], [0, 0], [0, 1]]), rtol=1e-6)
    assert head.bias.tolist() == [0, -10, 0]


def test_the_largest_logit_is_the_largest_cosine():
    """As scikit-learn's nearest centroid of features at length 1, whose centroids are brought to length 1 too."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 4
    values = (random.gamma(2.0, 1.0, (60, 12)) + 4 * np.eye(4, 12)[labels]).astype(np.float32)
    head = fit_prototypes(Features(values[:20], labels[:20]), 4)
    centroids = NearestCentroid().fit(unit(values[:20]), labels[:20])
    centroids.centroids_ = unit(centroids.centroids_)
    predicted = (values[20:] @ head.weight.T + head.bias).argmax(axis=1)
    assert predicted.tolist() == centroids.predict(unit(values[20:])).tolist()
    assert 0.5 < (predicted == labels[20:]).mean() < 1


def test_length_and_reach_are_those_of_a_logistic_regression_where_many_images_drown_the_prior():
    """Two classes of equal size, the known one's logit 0: the further one's is a regression on one feature."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20_000)
    products = random.normal(labels, 1.0)[:, None]
    length, reach = fit_length(np.zeros((40_000, 1)), products, np.array([0, 1]), labels)
    model = LogisticRegression(C=np.inf, tol=1e-8).fit(products, labels)
    assert length == pytest.approx(model.coef_[0, 0], rel=1e-2)
    assert reach == pytest.approx(model.intercept_[0], rel=1e-2)


def make(shift):
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1, 3], (40, 40, 5))
    centres = np.array([[4, 0, 0], [0, 4, 0], [9, 9, 9], [0, 0, 4]])
    return Features((centres[labels] + random.normal(0, 0.5, (85, 3)) + shift).astype(np.float32), labels)


@pytest.mark.parametrize("shift", [0, 20])
def test_a_further_class_gets_a_row_and_the_known_ones_keep_theirs(shift):
    """Class 3 is new; class 2 is new too and has no images, so that nothing is ever taken for it."""
    seen = make(shift)
    head = Prototypes(np.array([[1.0, -1, 0], [-1, 1, 0], [7, 7, 7], [7, 7, 7]]), np.array([0.0, 0, 7, 7]))
    wider = imprint(head, np.array([0, 1]), seen)
    assert wider.weight[:2].tolist() == head.weight[:2].tolist()
    assert wider.bias[:2].tolist() == head.bias[:2].tolist()
    logits = seen.values @ wider.weight.T + wider.bias
    assert (logits.argmax(axis=1) == seen.labels).mean() > 0.95
    assert logits[:, 2].max() <= logits[:, :2].min() - SURELY_NOT + 1e-6


def test_one_image_makes_a_class_too_and_without_further_classes_nothing_changes():
    seen = make(0)
    only = Features(seen.values[:81], seen.labels[:81])
    head = Prototypes(np.array([[1.0, -1, 0], [-1, 1, 0], [0, 0, 0], [0, 0, 0]]), np.zeros(4))
    wider = imprint(head, np.array([0, 1]), only)
    logits = seen.values @ wider.weight.T + wider.bias
    assert (logits.argmax(axis=1) == seen.labels)[80:].all()
    same = imprint(head, np.arange(4), seen)
    assert (same.weight == head.weight).all()
    assert (same.bias == head.bias).all()
