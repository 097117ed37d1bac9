import pytest
import torch
from torch import nn

from sightline.explaining.methods.attribution import integrated_gradients, saliency, smooth_grad
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import SETTINGS, Channels, noise, subject

IMAGE = torch.tensor([[[[0.5, 1.0]], [[0.0, 0.5]], [[0.0, 0.0]]]])  # one row of two pixels


class Squares(nn.Module):
    """Logit 0 is the sum of the squares of all pixels."""

    def forward(self, images):
        return images.square().sum(dim=(1, 2, 3), keepdim=True).flatten(1)


def test_saliency_by_hand():
    seen = subject(Channels([[2.0, -8.0, 0.0]]), 2)
    # 4 positions: gradients 0.5 and -2; the largest absolute value over the channels
    assert saliency(seen, noise(1, 2), torch.tensor([0]), SETTINGS).tolist() == [[[2.0, 2.0], [2.0, 2.0]]]


def test_integrated_gradients_by_hand():
    found = integrated_gradients(subject(Squares(), 2), IMAGE, torch.tensor([0]), SETTINGS)
    # from black, the integral of 2 x t over t in [0, 1] times x is x^2, added up over the channels
    torch.testing.assert_close(found, torch.tensor([[[0.25, 1.25]]]), atol=1e-4, rtol=0)


def test_integrated_gradients_count_evidence_against_as_zero():
    found = integrated_gradients(subject(Channels([[-1.0, 0, 0]]), 2), IMAGE, torch.tensor([0]), SETTINGS)
    assert found.tolist() == [[[0.0, 0.0]]]


def test_smoothgrad_averages_gradients_near_the_image():
    found = smooth_grad(subject(Squares(), 2), IMAGE, torch.tensor([0]), SETTINGS)
    spread = 0.1 / 8**0.5 * 2  # deviation of the mean of 8 gradients 2 x
    torch.testing.assert_close(found, torch.tensor([[[1.0, 2.0]]]), atol=4 * spread, rtol=0)
    assert (found != torch.tensor([[[1.0, 2.0]]])).all()


@pytest.mark.parametrize("method", [saliency, smooth_grad, integrated_gradients])
def test_repeats_with_frozen_weights_and_leaves_the_global_stream(method):
    torch.manual_seed(0)
    seen = subject(SimpleCNN(4, 0.0).requires_grad_(False), 16)
    state = torch.get_rng_state()
    first, second = (method(seen, noise(2, 16), torch.tensor([0, 1]), SETTINGS) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.shape == (2, 16, 16)
    assert (first >= 0).all()
    assert first.flatten(1).any(dim=1).all()
