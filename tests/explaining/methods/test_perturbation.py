import pytest
import torch

from sightline.explaining.methods.perturbation import kernel_shap, lime, number_cells, occlusion
from subjects import SETTINGS, Weighted, subject

# 4 x 4 pixels, each a cell of its own; only two cells count, the lower right one twice as much
WEIGHTS = [[0.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 8.0]]
WHITE = torch.ones(1, 3, 4, 4)


def explained(method):
    return method(subject(Weighted(WEIGHTS), 4), WHITE, torch.tensor([0]), SETTINGS)[0]


def test_cells():
    assert number_cells(4, 2)[0, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert number_cells(5, 2)[0, 0, 0].tolist() == [0, 0, 0, 1, 1]
    assert number_cells(2, 8)[0, 0].tolist() == [[0, 1], [2, 3]]


def test_kernel_shap_finds_the_shapley_values_of_a_sum():
    expected = torch.tensor(WEIGHTS) / 16  # of a sum, each term's value is the term
    torch.testing.assert_close(explained(kernel_shap), expected, atol=1e-3, rtol=0)


def test_lime_ranks_by_weight():
    found = explained(lime)
    assert found.argmax() == 15
    assert found.flatten().topk(2).indices.tolist() == [15, 5]
    assert found[3, 3] > 1.5 * found[1, 1]


def test_occlusion_by_hand():
    # a 2 x 2 window at every position; each pixel gets the mean fall of the windows that cover it
    found = explained(occlusion)
    assert found[3, 3] == pytest.approx(0.5)  # one window covers the corner
    assert found[1, 1] == pytest.approx(0.25)  # all four windows over it hide its 4 / 16
    assert found[0, 0] == pytest.approx(0.25)
    assert found[2, 2] == pytest.approx((0.25 + 0.5) / 4)  # of its four, one hides the upper and one the lower
    assert found[0, 3] == 0


@pytest.mark.parametrize("method", [occlusion, lime, kernel_shap])
def test_what_speaks_against_counts_as_zero_and_runs_repeat(method):
    against = method(subject(Weighted(WEIGHTS), 4), WHITE, torch.tensor([1]), SETTINGS)[0]
    assert against[3, 3] == 0
    state = torch.get_rng_state()
    assert torch.equal(explained(method), explained(method))
    assert torch.equal(torch.get_rng_state(), state)


def test_an_image_that_hides_nothing_gives_a_blank_map():
    black = torch.zeros(1, 3, 4, 4)
    for method in (occlusion, kernel_shap):
        assert not method(subject(Weighted(WEIGHTS), 4), black, torch.tensor([1]), SETTINGS).any()
