import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from mapie.conformity_scores import APSConformityScore, LACConformityScore
from sklearn.base import BaseEstimator, ClassifierMixin

from sightline.networks.calibration import Conformal
from sightline.scoring.metrics.abstention import (
    coverage_curve,
    fewest_images,
    fit_conformal,
    measure_abstention,
    measure_sets,
    thin_curve,
)
from sightline.scoring.metrics.sets import prediction_sets


def test_coverage_by_hand():
    curve = coverage_curve(np.array([0.5, 0.9, 0.7, 0.7]), np.array([False, True, True, False]))
    assert curve["min_confidence"].tolist() == [0.9, 0.7, 0.5]  # equal confidences are decided together
    assert curve["coverage"].tolist() == [0.25, 0.75, 1.0]
    assert curve["accuracy"].tolist() == pytest.approx([1.0, 2 / 3, 0.5])
    found = measure_abstention(np.array([0.5, 0.9, 0.7, 0.7]), np.array([False, True, True, False]), least=0.6)
    assert found["aurc"] == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)
    assert (found["coverage"], found["accuracy_decided"], found["accuracy_undecided"]) == (
        0.75,
        pytest.approx(2 / 3),
        0,
    )


def test_deciding_all_or_nothing_leaves_out_what_is_not_defined():
    confidence, right = np.array([0.5, 0.9]), np.array([True, True])
    assert "accuracy_undecided" not in measure_abstention(confidence, right, 0.0)
    assert "accuracy_decided" not in measure_abstention(confidence, right, 1.0)


def test_long_and_empty_curves():
    assert coverage_curve(np.empty(0), np.empty(0, dtype=bool)).empty
    assert thin_curve(coverage_curve(np.empty(0), np.empty(0, dtype=bool))).empty
    long = thin_curve(coverage_curve(np.linspace(0, 1, 5000), np.ones(5000, dtype=bool)))
    assert len(long) == 200
    assert long["coverage"].iloc[-1] == 1


def test_lac_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])  # scores 0.1, 0.2, 0.6, 0.3
    found = fit_conformal("lac", 0.6, probabilities, np.array([0, 0, 0, 0]))
    assert found.threshold == pytest.approx(0.3)  # the third smallest: 5 * 0.6
    sets = prediction_sets(found, np.array([[0.75, 0.25], [0.6, 0.4]]))
    assert sets.tolist() == [
        [True, False],
        [True, False],
    ]  # the second would be empty: the decision always stands in it


def test_aps_by_hand():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]])
    found = fit_conformal("aps", 0.6, probabilities, np.array([1, 1]))  # sums down to the label: 0.8, 0.7
    assert found.threshold == pytest.approx(0.8)  # the second smallest of two: ceil(3 * 0.6)
    assert prediction_sets(found, np.array([[0.3, 0.5, 0.2]])).tolist() == [[True, True, False]]


class GivenProbabilities(ClassifierMixin, BaseEstimator):
    """A trained classifier whose input is its output."""

    classes_ = np.arange(5)

    def predict_proba(self, probabilities):
        return probabilities

    def predict(self, probabilities):
        return probabilities.argmax(axis=1)


class FixedAPS(APSConformityScore):
    """MAPIE's score without its random share of the last class."""

    def get_conformity_scores(self, y, y_pred, y_enc=None, **_):
        scores, self.cutoff = self.get_true_label_cumsum_proba(y, y_pred, self.classes)
        return scores


@pytest.mark.parametrize(("method", "score"), [("lac", LACConformityScore()), ("aps", FixedAPS())])
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_thresholds_and_sets_are_mapies(method, score, coverage):
    stream = np.random.default_rng(1)
    probabilities = stream.dirichlet(np.ones(5), 600)
    labels = (probabilities.cumsum(axis=1) < stream.random((600, 1))).sum(axis=1).clip(max=4)
    reference = SplitConformalClassifier(GivenProbabilities(), coverage, score).conformalize(
        probabilities[:311], labels[:311]
    )
    predicted, sets = reference.predict_set(probabilities[311:], {"include_last_label": False})
    found = fit_conformal(method, coverage, probabilities[:311], labels[:311])
    assert found.threshold == pytest.approx(score.quantiles_[0])
    expected = sets[:, :, 0].astype(bool)
    expected[np.arange(len(expected)), predicted] = True  # MAPIE's sets of lac may be empty, ours hold the decision
    assert (prediction_sets(found, probabilities[311:]) == expected).all()
    assert expected.sum(axis=1).mean() > 1


def test_a_threshold_of_one_holds_all_classes_whatever_the_sums_are_rounded_to():
    probabilities = np.random.default_rng(2).dirichlet(np.ones(7), 200).astype(np.float32)
    found = fit_conformal("aps", 0.9, probabilities, probabilities.argmin(axis=1))
    assert found.threshold == 1
    assert prediction_sets(found, probabilities).all()


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_measured_coverage_is_that_asked_for(method):
    stream = np.random.default_rng(0)
    probabilities = stream.dirichlet(np.ones(5), 8000)
    labels = (probabilities.cumsum(axis=1) < stream.random((8000, 1))).sum(axis=1).clip(max=4)
    found = fit_conformal(method, 0.9, probabilities[:4000], labels[:4000])
    measured = measure_sets(found, probabilities[4000:], labels[4000:])
    assert measured["coverage"] == pytest.approx(0.9, abs=0.02)
    assert 1 < measured["mean_set_size"] < 4.5


def test_too_few_validation_images_give_sets_of_all_classes():
    found = fit_conformal("lac", 0.95, np.full((5, 3), 1 / 3), np.zeros(5, dtype=int))
    assert found == Conformal(method="lac", coverage=0.95, threshold=None)
    assert measure_sets(found, np.eye(3), np.array([1, 1, 1])) == {
        "coverage": 1.0,
        "mean_set_size": 3.0,
        "one_class_share": 0.0,
    }
    assert fit_conformal("none", 0.95, np.eye(3), np.arange(3)) is None


@pytest.mark.parametrize(("coverage", "images"), [(0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.97, 33)])
def test_the_fewest_images_have_a_threshold_and_one_less_has_none(coverage, images):
    assert fewest_images(coverage) == images
    for count, known in ((images, True), (images - 1, False)):
        found = fit_conformal("lac", coverage, np.full((count, 3), 1 / 3), np.zeros(count, dtype=int))
        assert (found.threshold is not None) == known


def test_a_rank_is_not_raised_by_rounding():
    probabilities = (
        np.linspace(0.01, 0.99, 99)[:, None] * [1, 0] + [0, 1] - np.linspace(0.01, 0.99, 99)[:, None] * [0, 1]
    )
    found = fit_conformal("lac", 0.55, probabilities, np.zeros(99, dtype=int))
    assert found.threshold == pytest.approx(0.55)  # the 55th smallest of 0.01 to 0.99: 100 * 0.55, which is 55.000...01
