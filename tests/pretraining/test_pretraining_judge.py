"""The judge of pretraining against lightly 1.6.0's `std_of_l2_normalized`, scikit-learn and numbers by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from sightline.pretraining.judge import spread, vote
from small_learners import rows


def test_the_spread_is_that_of_lightly_and_its_limits():
    assert spread(rows(5, 3, 0.0)).item() == pytest.approx(0.6046517491340637 * math.sqrt(3), rel=1e-6)
    assert spread(torch.ones(10, 6)).item() == 0
    assert spread(torch.randn(5000, 64, generator=torch.Generator().manual_seed(0))).item() == pytest.approx(
        1, abs=0.01
    )


def test_neighbours_vote_as_those_of_scikit_learn():
    from sklearn.neighbors import KNeighborsClassifier

    bank, asked = (nn.functional.normalize(rows(count, 4, start)) for count, start in ((40, 0.3), (25, 0.9)))
    labels = torch.arange(40) % 3
    model = KNeighborsClassifier(7, metric="cosine", weights=lambda distances: np.exp((1 - distances) / 0.07))
    expected = model.fit(bank.numpy(), labels.numpy()).predict(asked.numpy())
    assert vote(bank, labels, asked, 3, 7).argmax(dim=1).tolist() == expected.tolist()
    assert vote(bank, labels, asked, 3, 100).shape == (25, 3)
