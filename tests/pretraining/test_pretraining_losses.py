"""Losses of pretraining against numbers by hand and by lightly 1.6.0.

The expected numbers are what `NTXentLoss(temperature)` and `std_of_l2_normalized` of
lightly gave for `rows(5, 3, 0.0)` and `rows(5, 3, 0.4)`; it is no requirement, since it brings Lightning with it.
"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML
from torch import nn

from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.judge import spread, vote
from sightline.pretraining.learners import LEARNERS
from sightline.pretraining.losses import nt_xent


def rows(count, width, start):
    return torch.sin(torch.arange(count * width).float() * 0.7 + start).view(count, width)


@pytest.mark.parametrize(
    ("temperature", "lightly"), [(0.1, 1.3712027072906494), (0.5, 1.166985273361206), (2.0, 1.7897142171859741)]
)
def test_the_contrastive_loss_is_that_of_lightly(temperature, lightly):
    first, second = rows(5, 3, 0.0), rows(5, 3, 0.4)
    assert nt_xent(first, second, temperature).item() == pytest.approx(lightly, rel=1e-6)
    assert nt_xent(7 * first, second / 3, temperature).item() == pytest.approx(lightly, rel=1e-6)


def test_two_images_at_right_angles_by_hand():
    views = torch.eye(2)
    expected = math.log(math.e + 2) - 1  # the other view at cosine 1, two views of the other image at 0
    assert nt_xent(views, views, 1.0).item() == pytest.approx(expected)


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


class Flat(nn.Module):
    features = 12

    def forward(self, images):
        return images.flatten(1)


@pytest.fixture
def settings(workspace):
    content = YAML(typ="safe").load(Path("params.yaml"))["pretrain"]
    return PretrainSection(**content | {"hidden": 16, "dimensions": 8})


@pytest.mark.parametrize("method", LEARNERS)
def test_every_method_learns_by_both_views(method, settings):
    torch.manual_seed(0)
    learner = LEARNERS[method](Flat(), settings)
    first = rows(6, 12, 0.0).view(6, 3, 2, 2)
    loss, embeddings = learner(first, first + 0.1)
    assert embeddings.shape == (6, 8)
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in learner.parameters())
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        later, _ = learner(first, first + 0.1)
        later.backward()
        optimizer.step()
    assert later.item() < loss.item()
