import numpy as np
from cleanlab.filter import find_label_issues as reference

from sightline.training.recipe.noise.confident import find_label_issues, find_surely_wrong


def noisy_case(images=600):
    stream = np.random.default_rng(0)
    true = stream.integers(0, 4, images)
    scores = stream.normal(size=(images, 4)) + 3 * np.eye(4)[true]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = np.where(stream.random(images) < 0.1, stream.integers(0, 4, images), true)
    return labels, probabilities


def test_issues_and_their_order_are_cleanlabs():
    labels, probabilities = noisy_case()
    expected = reference(
        labels, probabilities, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    assert find_label_issues(labels, probabilities).tolist() == expected.tolist()
    assert len(expected) > 10


def test_issues_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.05, 0.95], [0.45, 0.55]])
    labels = np.array([0, 0, 1, 0, 0])  # means of the own class: (0.9 + 0.7 + 0.05 + 0.45) / 4 = 0.525, and 0.8
    assert find_label_issues(labels, probabilities).tolist() == [3]  # 0.55 of the last image is below 0.8


def test_surely_wrong_is_what_another_class_contradicts_by_more_than_half():
    probabilities = np.array(
        [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.15, 0.8, 0.05], [0.3, 0.48, 0.22]]
    )
    labels = np.array([0, 1, 2, 0, 0])  # means of the own class: (0.9 + 0.15 + 0.3) / 3 = 0.45, 0.8 and 0.8
    assert find_surely_wrong(labels, probabilities).tolist() == [3]
    softer = np.where(probabilities == 0.8, 0.45, probabilities)
    assert find_label_issues(labels, softer).tolist() == [3, 4]
    assert find_surely_wrong(labels, softer).tolist() == []
