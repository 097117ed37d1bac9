import math

import pytest
import torch
from timm.layers import SEModule

from sightline.networks.architectures.own.layers import (
    CBAM,
    AttentionResidualBlock,
    DenseBlock,
    SqueezeExcite,
    separable,
    transition,
)


def set_gate(gate: torch.nn.Sequential, first: list[list[float]], second: list[list[float]]) -> None:
    """Give the two linear layers their weights, and no biases."""
    for layer, weight in ((gate[0], first), (gate[2], second)):
        layer.weight.data = torch.tensor(weight)
        layer.bias.data.zero_()


def test_squeeze_excite_by_hand():
    module = SqueezeExcite(2, reduction=2)
    set_gate(module.gate, [[1.0, -1.0]], [[math.log(3)], [0.0]])
    maps = torch.tensor([[[[2.0, 4.0]], [[1.0, 3.0]]]])
    # means 3 and 2, hidden value 1; sigmoid(log 3) = 3/4 and sigmoid(0) = 1/2
    torch.testing.assert_close(module(maps), torch.tensor([[[[1.5, 3.0]], [[0.5, 1.5]]]]))


def test_squeeze_excite_agrees_with_timm():
    torch.manual_seed(0)
    ours, theirs = SqueezeExcite(16, reduction=4), SEModule(16, rd_channels=4)
    for linear, convolution in ((ours.gate[0], theirs.fc1), (ours.gate[2], theirs.fc2)):
        convolution.weight.data = linear.weight.data[:, :, None, None]
        convolution.bias.data = linear.bias.data
    maps = torch.randn(3, 16, 5, 4)
    torch.testing.assert_close(ours(maps), theirs(maps))


def test_cbam_by_hand():
    module = CBAM(2, reduction=2)
    set_gate(module.gate, [[1.0, 0.0]], [[math.log(3) / 5], [0.0]])
    module.where.weight.data.zero_()
    module.where.weight.data[0, :, 3, 3] = torch.tensor([2.0, 1.0])  # of the channels' mean and maximum
    module.where.bias.data.fill_(-4.75)
    maps = torch.tensor([[[[1.0, 3.0]], [[4.0, 0.0]]]])
    # channel 0: mean 2, maximum 3, so log(3) / 5 * (2 + 3), gate 3/4; channel 1: gate 1/2
    # positions then hold (0.75, 2) and (2.25, 0): 2 * 1.375 + 2 - 4.75 = 0 and 2 * 1.125 + 2.25 - 4.75 = -0.25
    second = 1 / (1 + math.exp(0.25))
    expected = torch.tensor([[[[0.375, 2.25 * second]], [[1.0, 0.0]]]])
    torch.testing.assert_close(module(maps), expected)


def test_separable_convolution_has_the_parameters_of_its_two_parts():
    assert sum(p.numel() for p in separable(32, 64).parameters()) == 32 * 9 + 32 * 64


@pytest.mark.parametrize(("before", "after"), [(8, 8), (8, 12)])
def test_residual_block_without_its_body_is_its_shortcut(before, after):
    block = AttentionResidualBlock(before, after, torch.nn.Identity(), rate=0.0).eval()
    torch.nn.init.zeros_(block.body[4].weight)  # the last batch norm's scale
    maps = torch.rand(2, before, 6, 6)
    expected = maps if before == after else block.shortcut(maps).relu()
    torch.testing.assert_close(block(maps), expected)


def test_dense_block_keeps_what_came_before_and_adds_growth():
    torch.manual_seed(0)
    block, maps = DenseBlock(6, layers=3, growth=4).eval(), torch.randn(2, 6, 8, 8)
    found = block(maps)
    assert found.shape == (2, 6 + 3 * 4, 8, 8)
    assert torch.equal(found[:, :6], maps)
    torch.testing.assert_close(found[:, 10:14], block.layers[1](found[:, :10]))
    assert transition(18, 9)(found).shape == (2, 9, 4, 4)
