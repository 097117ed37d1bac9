import numpy as np
import pytest
from cleanlab.filter import find_label_issues as reference
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sightline.networks.stack import assign_parts
from sightline.training.recipe.noise import out_of_fold
from sightline.training.recipe.noise.confident import find_label_issues
from sightline.training.recipe.noise.out_of_fold import predict_out_of_fold
from sightline.training.recipe.probe import STRENGTHS, Features


def noisy(images=240):
    """Features of three classes that overlap a little, and labels of which every eighth is the next class."""
    stream = np.random.default_rng(0)
    true = stream.integers(0, 3, images)
    values = stream.normal(size=(images, 5)) + 4 * np.eye(5)[true]
    wrong = np.arange(images) % 8 == 0
    return Features(values.astype(np.float32), np.where(wrong, (true + 1) % 3, true)), wrong


def test_probabilities_are_those_of_scikit_learns_cross_validation_for_one_of_the_strengths():
    data, _ = noisy()
    found = predict_out_of_fold(data, 3)
    parts = PredefinedSplit(assign_parts(data.labels, None))
    values = data.values.astype(float)
    expected = [
        cross_val_predict(
            make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-8)),
            values,
            data.labels,
            cv=parts,
            method="predict_proba",
        )
        for c in STRENGTHS
    ]
    distances = sorted(np.abs(found - probabilities).max() for probabilities in expected)
    assert distances[0] < 3e-3  # its solver stops earlier
    assert distances[1] > 3e-2


def test_most_wrong_labels_are_found_and_they_are_cleanlabs():
    data, wrong = noisy()
    probabilities = predict_out_of_fold(data, 3)
    found = find_label_issues(data.labels, probabilities)
    expected = reference(data.labels, probabilities, filter_by="confident_learning", n_jobs=1)
    assert sorted(found.tolist()) == np.flatnonzero(expected).tolist()
    assert wrong[found].mean() > 0.9
    assert np.isin(np.flatnonzero(wrong), found).mean() > 0.6


def test_of_many_images_some_are_fitted_and_all_are_predicted(monkeypatch):
    data, _ = noisy()
    whole = predict_out_of_fold(data, 4)  # the fourth class has no image
    monkeypatch.setattr(out_of_fold, "MOST_FITTED", 60)
    few = predict_out_of_fold(data, 4)
    assert few.shape == (240, 4)
    assert few.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (few[:, 3] < 0.05).all()
    assert 0 < np.abs(few - whole).max() < 0.9
