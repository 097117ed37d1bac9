import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from sightline.explaining.methods.catalogue import explain
from sightline.explaining.quality.sanity import rank_correlation, shuffle_weights
from sightline.networks.architectures.own.cnn import SimpleCNN
from subjects import SETTINGS, Channels, noise, subject


def test_rank_correlation_is_spearmans():
    stream = np.random.default_rng(0)
    first, second = stream.integers(0, 5, (2, 6, 6)).astype(np.float32)  # with ties
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    assert rank_correlation(first, first**3) == pytest.approx(1)
    assert rank_correlation(first, -first) == pytest.approx(-1)


def test_a_blank_map_correlates_with_nothing():
    assert rank_correlation(np.zeros((2, 2)), np.arange(4.0).reshape(2, 2)) == 0


def test_forgetting_shuffles_each_parameter_and_leaves_the_network():
    torch.manual_seed(0)
    seen = subject(SimpleCNN(4, 0.0), 16)
    before = {name: value.clone() for name, value in seen.classifier.named_parameters()}
    other = shuffle_weights(seen, seed=0)
    for name, value in other.classifier.named_parameters():
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
    assert not torch.equal(other.classifier.network.head.weight, before["network.head.weight"])
    assert all(torch.equal(value, before[name]) for name, value in seen.classifier.named_parameters())
    again, another = shuffle_weights(seen, seed=0), shuffle_weights(seen, seed=1)
    assert torch.equal(again.classifier.network.head.weight, other.classifier.network.head.weight)
    assert not torch.equal(another.classifier.network.head.weight, other.classifier.network.head.weight)


def test_networks_without_weights_cannot_forget():
    assert shuffle_weights(subject(Channels([[1.0, 0, 0]]), 4), seed=0) is None


class Picky(nn.Module):
    """Looks at one of 64 positions, which it has learnt."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(64.0).view(8, 8))

    def forward(self, images):
        first = (images.mean(dim=1) * self.weight).mean(dim=(1, 2))
        return torch.stack([first, -first], dim=1)


class Remembering(SimpleCNN):
    """Keeps a product of its weights between passes in evaluation mode, as timm's LeViT does."""

    kept = None

    def train(self, mode=True):
        if mode:
            self.kept = None
        return super().train(mode)

    def forward(self, images):
        if self.kept is None:
            self.kept = self.head.weight * 2
        return super().forward(images) + self.kept.sum()


def test_what_a_network_keeps_of_its_weights_is_forgotten_too():
    torch.manual_seed(0)
    network = Remembering(3, 0.0).eval()
    network(torch.rand(1, 3, 32, 32))
    shuffled = shuffle_weights(subject(network), seed=0)
    assert shuffled.classifier.network.kept is None


def test_correlation_falls_for_what_was_learnt():
    seen = subject(Picky(), 8)
    image = noise(1, 8)
    shown = explain("saliency", [seen], image, torch.tensor([0]), SETTINGS)
    shuffled = explain("saliency", [shuffle_weights(seen, seed=0)], image, torch.tensor([0]), SETTINGS)
    assert rank_correlation(shown, seen.classifier.network.weight.detach().numpy()) == pytest.approx(1)
    assert abs(rank_correlation(shown, shuffled)) < 0.3
