import pytest
import torch
from timm.layers import DropPath
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import OWN_NETWORKS, RESIDUAL, build_network
from sightline.networks.architectures.own.cnn import ResidualConvBlock
from sightline.networks.architectures.own.layers import drop_path, rates_by_depth


def rates_of(network):
    """Return the probabilities of all layers that drop paths, in the network's order."""
    return [getattr(part, "drop_prob", getattr(part, "p", 0)) for part in network.modules() if is_dropping(part)]


def is_dropping(part):
    return type(part).__name__ in ("DropPath", "StochasticDepth")


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("cnn_residual", [0.1, 0.2, 0.3]),
        ("attention_resnet", [0.06, 0.12, 0.18, 0.24, 0.3]),
        ("attention_hybrid", [0.3]),
        ("resnet18", [0.3 * index / 7 for index in range(1, 8)]),
    ],
)
def test_the_rate_rises_with_depth(name, rates):
    assert rates_of(build_network(name, 3, 32, False, (0.0, 0.3))) == pytest.approx(rates)
    assert rates_of(build_network(name, 3, 32, False)) == []


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_efficientnet"])
def test_timm_networks_take_the_rate(name):
    assert max(rates_of(build_network(name, 3, 64, False, (0.0, 0.3)))) == pytest.approx(0.3, abs=0.08)


@pytest.mark.parametrize("name", [*(name for name in OWN_NETWORKS if name not in RESIDUAL), "vgg11", "densenet121"])
def test_a_network_without_residual_branches_refuses_a_rate(name):
    with pytest.raises(SightlineError, match=rf"params\.yaml: drop_path_rate: {name} has no residual") as caught:
        build_network(name, 3, 32, False, (0.0, 0.1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", RESIDUAL)
def test_a_rate_changes_training_but_neither_initial_weights_nor_evaluation(name):
    networks = []
    for rate in (0.0, 0.5):
        torch.manual_seed(0)
        networks.append(build_network(name, 3, 32, False, (0.0, rate)))
    states = [network.state_dict() for network in networks]
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    images = torch.randn(16, 3, 32, 32)
    outputs = [network.train()(images) for network in networks]
    assert not torch.equal(*outputs)
    networks[1].load_state_dict(networks[0].state_dict())
    assert torch.equal(*(network.eval()(images) for network in networks))


def test_a_dropped_branch_leaves_the_shortcut_and_a_kept_one_counts_more():
    """Branch 1 everywhere and shortcut 0: an image gives 0 or 1 / (1 - rate)."""
    block = ResidualConvBlock(2, 2, rate=0.75).train()
    block.body, block.shortcut = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
    for layer, bias in ((block.body, 1.0), (block.shortcut, 0.0)):
        nn.init.zeros_(layer.weight)
        nn.init.constant_(layer.bias, bias)
    torch.manual_seed(0)
    values = block(torch.zeros(400, 2, 3, 3))
    per_image = values[:, 0, 0, 0]
    assert torch.equal(values, per_image.view(-1, 1, 1, 1).expand_as(values))
    assert sorted(set(per_image.tolist())) == [0.0, 4.0]
    assert (per_image > 0).float().mean().item() == pytest.approx(0.25, abs=0.06)
    assert torch.equal(block.eval()(torch.zeros(4, 2, 3, 3)), torch.ones(4, 2, 3, 3))


def test_own_drop_path_draws_as_that_of_timm():
    branch, found = torch.ones(64, 2, 1, 1), []
    for module in (drop_path(0.4), DropPath(0.4)):
        torch.manual_seed(3)
        found.append(module.train()(branch))
    torch.testing.assert_close(*found)


def test_rates_by_hand():
    assert rates_by_depth(0.2, 3) == [0.0, 0.1, 0.2]
    assert rates_by_depth(0.2, 1) == [0.0]
