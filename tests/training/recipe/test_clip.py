from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sightline.networks.architectures.build import build_network
from sightline.parameters.sections import ClipSection
from sightline.training.recipe.optim import clip_gradients


def prepare(network, scale):
    """Return what accelerate is with fp16: a gradient scaler, and gradients that are still multiplied by its scale."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return scaler, optimizer, SimpleNamespace(unscale_gradients=lambda: scaler.unscale_(optimizer))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((0.0, 0.0, 0.0), [3.0, 4.0]),
        ((1.0, 0.0, 0.0), [0.6, 0.8]),  # length 5 becomes 1
        ((10.0, 0.0, 0.0), [3.0, 4.0]),
        ((0.0, 3.5, 0.0), [3.0, 3.5]),
        ((1.0, 0.7, 0.0), [0.6, 0.7]),  # one after the other
    ],
)
def test_limits_hold_for_gradients_without_the_scale_of_fp16(limits, expected):
    network = nn.Linear(2, 1, bias=False)
    scaler, optimizer, accelerator = prepare(network, 1024.0)
    before = network.weight.detach().clone()
    scaler.scale(network(torch.tensor([[3.0, 4.0]])).sum()).backward()
    clip_gradients(accelerator, network, ClipSection(norm=limits[0], value=limits[1], adaptive=limits[2]))
    scaler.step(optimizer)  # takes the scale off, unless clipping has
    assert (before - network.weight.detach()).flatten().tolist() == pytest.approx(expected, rel=1e-4)


def test_adaptive_clipping_holds_each_unit_to_its_weights_and_leaves_the_head():
    network = build_network("simple_cnn", 3, 8, pretrained=False)
    for part in network.parameters():
        part.grad = torch.full_like(part, 10.0)
    limits = ClipSection(norm=0.0, value=0.0, adaptive=0.01)
    clip_gradients(SimpleNamespace(unscale_gradients=lambda: None), network, limits)
    kernel = network.blocks[1][0].weight
    assert kernel.grad.flatten(1).norm(dim=1).tolist() == pytest.approx(
        (0.01 * kernel.detach().flatten(1).norm(dim=1)).tolist(), rel=1e-4
    )
    assert (network.head.weight.grad == 10).all() and (network.head.bias.grad == 10).all()
