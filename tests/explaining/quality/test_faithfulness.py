from dataclasses import replace

import numpy as np
import pytest
import torch

from sightline.explaining.quality.faithfulness import (
    MEASURES,
    area,
    blur,
    delete_and_insert,
    importance_order,
    shares,
)
from subjects import Weighted, subject

WEIGHTS = [[8.0, 0.0], [0.0, 0.0]]  # the upper left pixel alone decides
BEST, WORST = np.array([0, 1, 2, 3]), np.array([3, 2, 1, 0])


def image() -> torch.Tensor:
    """White; its probability of class 0 is 2 / 4 of the logit's scale, see Weighted: 8 x 0.5 / 4 = 1 at 0.5."""
    return torch.full((1, 3, 2, 2), 0.5)


def deletion(model, picture, order, steps) -> np.ndarray:
    return delete_and_insert(model, picture, 0, [order], steps)["deletion"][0]


def test_shares():
    assert shares(4).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_deletion_by_hand():
    model = [subject(Weighted([[6.0, 0], [0, 2.0]]), 2)]
    # the mean of weight x 0.5 over 4 pixels: 0.75 of the upper left, 0.25 of the lower right
    np.testing.assert_allclose(deletion(model, image(), BEST, 4), [1, 0.25, 0.25, 0.25, 0], atol=1e-6)
    np.testing.assert_allclose(deletion(model, image(), WORST, 2), [1, 0.75, 0], atol=1e-6)


def test_insertion_starts_blurred_and_ends_with_the_image():
    sharp = torch.zeros(1, 3, 2, 2)
    sharp[0, 0, 0, 0] = 0.5
    model = [subject(Weighted(WEIGHTS), 2)]
    # the blur around the corner is a mean over 3 x 3 with the edges repeated: 4 of 9 are the corner itself
    best, worst = delete_and_insert(model, sharp, 0, [BEST, WORST], 4)["insertion"]
    np.testing.assert_allclose(best, [4 / 9, 1, 1, 1, 1], atol=1e-6)
    assert worst[3] == pytest.approx(4 / 9)


def test_members_probabilities_are_averaged():
    members = [subject(Weighted([[8.0, 0], [0, 0.0]]), 2), subject(Weighted([[0.0, 0], [0, 8.0]]), 2)]
    np.testing.assert_allclose(deletion(members, image(), BEST, 4), [1, 0.5, 0.5, 0.5, 0], atol=1e-6)


def test_area_by_hand():
    assert area(np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert area(np.array([1.0, 0.0, 0.0])) == pytest.approx(0.25)
    assert area(np.ones(5)) == pytest.approx(1)


def test_order_is_by_height_and_random_among_equals():
    heat = np.array([[0.0, 1.0], [0.5, 0.0]])
    orders = {tuple(importance_order(heat, np.random.default_rng(seed))) for seed in range(20)}
    assert orders == {(1, 2, 0, 3), (1, 2, 3, 0)}


def test_blur_is_the_mean_over_a_square():
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (2,) * 4, mode="replicate")
    torch.testing.assert_close(blur(images), torch.nn.functional.avg_pool2d(padded, 5, stride=1))


def test_batches_change_no_curve():
    model = subject(Weighted([[6.0, 0], [0, 2.0]]), 2)
    small = replace(model, at_once=2)
    whole, parts = (delete_and_insert([one], image(), 0, [BEST, WORST], 4) for one in (model, small))
    assert all(np.array_equal(whole[name], parts[name]) for name in MEASURES)


def test_blur_keeps_a_flat_image():
    flat = torch.full((1, 3, 16, 16), 0.25)
    torch.testing.assert_close(blur(flat), flat)
