import pytest
import torch
from torch import nn

from sightline.explaining.methods.cam import grad_cam
from sightline.explaining.methods.grids import TargetLayer
from sightline.networks.architectures.build import OWN_NETWORKS
from subjects import NETWORKS, SETTINGS, Channels, noise, place_of_change, subject


@pytest.mark.parametrize("case", NETWORKS)
def test_families_of_timm(case):
    build, layer_name, side = NETWORKS[case]
    torch.manual_seed(0)
    seen = subject(build().requires_grad_(False))  # as with a frozen backbone
    assert seen.layer.name == layer_name
    assert seen.has_gradients
    maps = torch.stack([grad_cam(seen, noise(2), torch.full((2,), chosen), SETTINGS) for chosen in range(4)])
    assert maps.shape == (4, 2, side, side)
    assert torch.isfinite(maps).all()
    assert (maps.amax(dim=(0, 2, 3)) > 0).all()  # untrained, so the evidence may all speak against single classes
    assert all(parameter.grad is None for parameter in seen.classifier.parameters())


@pytest.mark.parametrize("name", OWN_NETWORKS)
def test_own_networks(name):
    torch.manual_seed(0)
    seen = subject(OWN_NETWORKS[name](4, 0.0).requires_grad_(False), size=32)
    maps = torch.stack([grad_cam(seen, noise(2, 32), torch.full((2,), chosen), SETTINGS) for chosen in range(4)])
    assert maps.shape[2] >= 4
    assert torch.isfinite(maps).all()
    assert (maps.amax(dim=(0, 2, 3)) > 0).all()


def test_own_default_is_read_before_its_last_pooling():
    assert subject(OWN_NETWORKS["simple_cnn"](4, 0.0), size=32).layer.name == "blocks.2.2"


def test_last_patch_tokens_tell_nothing_where_the_class_token_answers():
    torch.manual_seed(0)
    seen = subject(NETWORKS["vit, class token"][0]())
    after_the_block = TargetLayer(seen.layer.name.removesuffix(".norm1"), seen.layer.to_grid)
    assert after_the_block.name == "blocks.1"
    object.__setattr__(seen, "layer", after_the_block)
    assert grad_cam(seen, noise(2), torch.tensor([0, 1]), SETTINGS).abs().max() == 0


@pytest.mark.parametrize("case", ["vit, registers", "deit", "swin", "mixer"])
def test_positions_are_not_mixed_up(case):
    """Tokens and channels-last features come back as the grid that they were made from."""
    torch.manual_seed(0)
    seen = subject(NETWORKS[case][0]())
    row, column = place_of_change(seen)
    assert 32 <= row < 64
    assert column < 32


@pytest.mark.parametrize(
    "info", [None, [], [{"module": "elsewhere", "num_chs": 3}], [{"module": "head", "num_chs": 4}]]
)
def test_networks_without_a_grid(info):
    network = nn.Sequential()
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flat", nn.Flatten())
    network.add_module("head", nn.Linear(3, 4))
    network.feature_info = info
    assert subject(network).layer is None


def test_scores_that_jump_have_no_gradients():
    class Jumps(nn.Module):
        def forward(self, images):
            red = images[:, 0].mean(dim=(1, 2))
            return torch.stack([(red > 0.5).float(), (red <= 0.5).float()], dim=1)

    rounding = Channels([[1.0, 0, 0]])
    rounding.has_gradients = False
    assert not subject(Jumps(), 4).has_gradients
    assert not subject(rounding, 4).has_gradients
    assert subject(Channels([[1.0, 0, 0]]), 4).has_gradients
