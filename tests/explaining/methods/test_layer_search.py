import numpy as np
import pytest
import torch
from torch import nn

from sightline.explaining.methods.catalogue import explain, select_methods
from sightline.explaining.methods.layers import find_target_layer, read_outputs
from sightline.explaining.methods.subject import Subject
from subjects import PROBED, SETTINGS, SIZE, noise, place_of_change, subject

MAPS = ["gradcam", "gradcam++", "layercam", "scorecam"]


def built(case: str) -> Subject:
    torch.manual_seed(1)
    network = PROBED[case][0]().requires_grad_(False)  # as with a frozen backbone
    for parameter in network.parameters():  # what starts at 0 or 1 says nothing yet; training moves it
        parameter.add_(0.1 * torch.randn(parameter.shape))
    return subject(network)


@pytest.mark.parametrize("case", PROBED)
def test_families_that_name_no_layer(case):
    seen = built(case)
    _, layer_name, side = PROBED[case]
    assert seen.layer.name == layer_name
    output = read_outputs(seen.classifier, [layer_name], noise(2))[layer_name]
    assert seen.layer.to_grid(output).shape[2:] == (side, side)
    assert select_methods(MAPS, [seen]) == (MAPS, [])
    for method in MAPS:
        if method == "scorecam" and case == "hrnet":
            continue  # a pass for each of 512 channels
        # untrained, so the evidence may all speak against single classes
        maps = explain(method, [seen], noise(4), torch.arange(4), SETTINGS)
        assert maps.shape == (4, SIZE, SIZE)
        assert np.isfinite(maps).all(), method
        assert maps.max() == pytest.approx(1), method


@pytest.mark.parametrize("case", ["coat", "crossvit", "mvitv2, class token", "pit, distilled", "tnt", "twins"])
def test_positions_are_not_mixed_up(case):
    seen = built(case)
    row, column = place_of_change(seen)
    assert 32 <= row < 64
    assert column < 32


@pytest.mark.parametrize("case", ["coat", "tnt"])
def test_the_choice_repeats_and_leaves_the_network_as_it_was(case):
    seen = built(case)
    state = torch.get_rng_state()
    with torch.no_grad():
        before = seen.logits(noise(2))
        assert find_target_layer(seen.classifier).name == seen.layer.name
        assert torch.equal(seen.logits(noise(2)), before)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in seen.classifier.parameters())


class Hidden(nn.Module):
    """Four logits from a chain of modules on 16 x 16 images; `feature_info` knows widths but no module."""

    def __init__(self, **layers: nn.Module):
        super().__init__()
        self.feature_info = [{"module": "elsewhere", "num_chs": 8}]
        self.embed = nn.Conv2d(3, 8, 2, stride=2)
        self.layers = nn.ModuleDict(layers)
        self.head = nn.Linear(8, 4)

    def tokens(self, images: torch.Tensor) -> torch.Tensor:
        return self.embed(images).flatten(2).transpose(1, 2)  # [N, 64, 8]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.tokens(images)
        for layer in self.layers.values():
            tokens = layer(tokens)
        return self.head(tokens.mean(dim=1))


class States(nn.Module):
    """16 sums over all positions, as a recurrence keeps: a square that lies nowhere."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(16, 64))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.weights @ tokens


def chosen(**layers: nn.Module) -> str | None:
    torch.manual_seed(0)
    layer = subject(Hidden(**layers), 16).layer
    return layer.name if layer else None


def test_the_last_module_counts_whose_tokens_lie_where_the_image_does():
    assert chosen() == "embed"
    assert chosen(norm=nn.LayerNorm(8)) == "layers.norm"
    assert chosen(norm=nn.LayerNorm(8), states=States()) == "layers.norm"


def test_insides_of_attention_and_mlp_do_not_count():
    assert chosen(norm=nn.LayerNorm(8), linear=nn.Linear(8, 8)) == "layers.norm"
    assert chosen(norm=nn.LayerNorm(8), wide=nn.Linear(8, 32), act=nn.GELU(), narrow=nn.Linear(32, 8)) == "layers.norm"


def test_tokens_that_nothing_reads_do_not_count():
    class FirstToken(Hidden):
        def forward(self, images):
            return self.head(self.layers["last"](self.layers["mixed"](self.tokens(images)))[:, 0])

    mixed = nn.MultiheadAttention(8, 1, batch_first=True)
    mixed.forward = lambda tokens: nn.MultiheadAttention.forward(mixed, tokens, tokens, tokens)[0]
    torch.manual_seed(0)
    assert subject(FirstToken(mixed=mixed, last=nn.LayerNorm(8)), 16).layer.name == "embed"
