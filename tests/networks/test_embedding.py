"""What a network's last layers take, seen while it predicts."""

import numpy as np
import pytest
import torch
from timm.models.efficientvim import EfficientViM
from torch import nn

from sightline.networks.classifier import Classifier
from sightline.networks.decider import ViewAverage
from sightline.networks.embedding import watching

SIDE = 64
PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8))


def embed(network: nn.Module, tta: str) -> list[np.ndarray]:
    taken = []
    member = ViewAverage(Classifier(network, [0.5] * 3, [0.2] * 3, SIDE), tta).eval()
    with torch.no_grad(), watching(member, taken.append):
        member(PIXELS)
    return taken


@pytest.mark.parametrize("tta", ["none", "flip"])
def test_what_several_layers_take_lies_side_by_side(tta):
    """EfficientViM sums the logits of four layers, each with features of its own; timm joins these in this order."""
    torch.manual_seed(0)
    network = EfficientViM(num_classes=3, embed_dim=(8, 16, 24), depths=(1, 1, 1)).eval()
    images = Classifier(network, [0.5] * 3, [0.2] * 3, SIDE)
    with torch.no_grad():
        normalized = images.normalize(images.scale(PIXELS))
        expected = network.forward_head(network.forward_features(normalized), pre_logits=True).numpy()
    (found,) = embed(network, tta)
    assert found.shape == (2, 8 + 16 + 24 + 24)
    assert found == pytest.approx(expected, abs=1e-6)


class Uncalled(nn.Module):
    """Uses the weight of its last layer, which it does not call."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)

    def get_classifier(self) -> nn.Module:
        return self.head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3)) @ self.head.weight.T


def test_a_last_layer_that_is_not_called_gives_nothing():
    assert embed(Uncalled(), "none") == []
