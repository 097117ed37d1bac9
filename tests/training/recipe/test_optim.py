import pytest
import timm
import torch
from timm.optim import create_optimizer_v2
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import build_network
from sightline.training.recipe.optim import MUON, OPTIMIZERS, build_optimizer, outer_layers, parameter_groups, peak_rate


@pytest.mark.parametrize("name", [*OPTIMIZERS, "lamb", "lion", "muon"])
@pytest.mark.parametrize("lookahead", [False, True])
def test_every_optimizer_lowers_a_loss(name, lookahead):
    torch.manual_seed(0)
    network = build_network("simple_cnn", 1, 8, pretrained=False)
    optimizer = build_optimizer(parameter_groups(network, name, 0.0, 1.0), name, 0.005, 0.9, lookahead)
    inputs, targets = torch.randn(8, 3, 8, 8), torch.full((8, 1), 3.0)
    losses = []
    for _ in range(60):
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
        optimizer = build_optimizer(parameter_groups(network, name, 0.1, 1.0), name, 0.01, 0.9, False)
        decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        assert {decay[id(p)] for p in network.parameters() if p.ndim > 1} == {0.1}
        assert {decay[id(p)] for p in network.parameters() if p.ndim <= 1} == {0.0}


def test_layer_decay_slows_the_layers_far_from_the_output():
    network = timm.create_model("test_vit", num_classes=3)
    optimizer = build_optimizer(parameter_groups(network, "adamw", 0.1, 0.5), "adamw", 0.08, 0.9, False)
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    head, last = rate[id(network.head.weight)], rate[id(network.blocks[-1].mlp.fc1.weight)]
    stem = rate[id(network.patch_embed.proj.weight)]
    assert head == peak_rate(optimizer) == 0.08
    assert stem < last < head
    assert last / head == pytest.approx(0.5)


@pytest.mark.parametrize(
    "architecture", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "xcit_nano_12_p16_224"]
)
@pytest.mark.parametrize(("name", "layer_decay"), [("adamw", 1.0), ("adamw", 0.5), ("muon", 1.0), ("muon", 0.5)])
def test_what_decays_is_what_decays_in_timm(architecture, name, layer_decay):
    """Position embeddings, tokens and tables of attention biases have two dimensions or more and do not."""
    with torch.device("meta"):
        network = timm.create_model(architecture, num_classes=3)
    reference = create_optimizer_v2(network, opt="adamw", lr=0.1, weight_decay=0.1)
    expected = {id(p) for group in reference.param_groups if group["weight_decay"] for p in group["params"]}
    groups = parameter_groups(network, name, 0.1, layer_decay)
    assert {group["weight_decay"] for group in groups} == {0.0, 0.1}
    assert {id(p) for group in groups if group["weight_decay"] for p in group["params"]} == expected
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))


def test_layer_decay_by_hand_of_a_network_with_three_blocks():
    network = build_network("simple_cnn", 3, 8, pretrained=False)
    optimizer = build_optimizer(parameter_groups(network, "sgd", 0.0, 0.5), "sgd", 0.8, 0.9, False)
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    rates = [rate[id(block[0].weight)] for block in network.blocks]
    assert [*rates, rate[id(network.head.weight)]] == pytest.approx([0.1, 0.2, 0.4, 0.8])


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("simple_cnn", ["blocks.0.0.weight", "head.weight", "head.bias"]),
        ("cifarnet", ["head.weight", "head.bias"]),  # its first layer is not trained
        ("test_vit", ["patch_embed.proj.weight", "head.weight", "head.bias"]),
        ("resnet18", ["conv1.weight", "fc.weight", "fc.bias"]),
    ],
)
def test_muon_leaves_the_layer_that_sees_the_pixels_and_the_head_to_adamw(architecture, expected):
    network = timm.create_model(architecture) if architecture in timm.list_models() else None
    network = network or build_network(architecture, 10, 16, pretrained=False)
    assert outer_layers(network) == expected


@pytest.mark.parametrize("name", MUON)
def test_muon_orthogonalises_hidden_kernels_flattened_and_nothing_else(name):
    torch.manual_seed(0)
    network = build_network("simple_cnn", 10, 8, pretrained=False)
    optimizer = build_optimizer(parameter_groups(network, name, 0.0, 1.0), name, 0.01, 0.0, False)
    before = {key: part.detach().clone() for key, part in network.named_parameters()}
    network(torch.randn(8, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    by_muon = {key for key, part in network.named_parameters() if optimizer.state[part]["use_muon"]}
    assert by_muon == {"blocks.1.0.weight", "blocks.2.0.weight"}
    if name == "muon":
        change = (before["blocks.1.0.weight"] - network.blocks[1][0].weight.detach()).flatten(1)  # [64, 288]
        scale = 0.01 * 0.2 * 288**0.5  # Liu et al., 2025, "Muon is Scalable for LLM Training"
        lengths = torch.linalg.svdvals(change) / scale
        assert lengths.min() > 0.6 and lengths.max() < 1.3  # five Newton-Schulz steps bring all near 1
