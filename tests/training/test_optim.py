import pytest
import timm
import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.training.optim import OPTIMIZERS, build_optimizer, parameter_groups


@pytest.mark.parametrize("name", [*OPTIMIZERS, "lamb", "lion", "muon"])
@pytest.mark.parametrize("lookahead", [False, True])
def test_every_optimizer_lowers_a_loss(name, lookahead):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    optimizer = build_optimizer(parameter_groups(network, 0.0, 1.0), name, 0.02, 0.9, lookahead)
    inputs, targets = torch.randn(32, 4), torch.ones(32, 1)
    losses = []
    for _ in range(80):
        loss = (network(inputs) - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_an_unknown_optimizer_is_one_line():
    with pytest.raises(SightlineError, match="optimizer: 'adamwww' is neither one of adamw"):
        build_optimizer([{"params": [nn.Parameter(torch.ones(1))]}], "adamwww", 0.1, 0.9, False)


def test_weight_decay_spares_norms_and_biases():
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    for name in OPTIMIZERS:
        optimizer = build_optimizer(parameter_groups(network, 0.1, 1.0), name, 0.01, 0.9, False)
        decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        assert {decay[id(p)] for p in network.parameters() if p.ndim > 1} == {0.1}
        assert {decay[id(p)] for p in network.parameters() if p.ndim <= 1} == {0.0}


def test_layer_decay_slows_the_layers_far_from_the_output():
    network = timm.create_model("test_vit", num_classes=3)
    optimizer = build_optimizer(parameter_groups(network, 0.1, 0.5), "adamw", 0.08, 0.9, False)
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    head, last = rate[id(network.head.weight)], rate[id(network.blocks[-1].mlp.fc1.weight)]
    stem = rate[id(network.patch_embed.proj.weight)]
    assert head == 0.08
    assert stem < last < head
    assert last / head == pytest.approx(0.5)
