"""Uncertainties of probabilities: worked out by hand."""

import numpy as np
import pytest

from sightline.labelling.uncertainty import entropy, least_confidence, margin

PROBABILITIES = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.4, 0.4, 0.2]])


def test_what_is_missing_to_the_likeliest_class():
    assert least_confidence(PROBABILITIES) == pytest.approx([0.5, 0, 0.6])


def test_margin_is_of_the_two_likeliest_classes():
    assert margin(PROBABILITIES) == pytest.approx([0.75, 0, 1])


def test_entropy_in_nats_knows_zeros():
    half = 0.5 * np.log(2) + 2 * 0.25 * np.log(4)
    assert entropy(PROBABILITIES) == pytest.approx([half, 0, 0.8 * np.log(2.5) + 0.2 * np.log(5)])
