"""SimCLR's loss against numbers by hand and by lightly 1.6.0.

The expected numbers are what `NTXentLoss(temperature)` of lightly gave for `rows(5, 3, 0.0)` and `rows(5, 3, 0.4)`; it
is no requirement, since it brings Lightning with it.
"""

import math

import pytest
import torch

from sightline.pretraining.methods.simclr import nt_xent
from small_learners import rows


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
