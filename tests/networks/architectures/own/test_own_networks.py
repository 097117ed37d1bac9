import copy
import io
import re

import onnxruntime
import pytest
import torch
from timm.models import group_parameters
from torch import nn
from torch.nn import functional

from sightline.deployment.graph import settle
from sightline.networks.architectures.own.attention_networks import AttentionDenseNet, AttentionHybrid, AttentionResNet
from sightline.networks.architectures.own.cifarnet import CifarNet, WideCifarNet
from sightline.networks.architectures.own.cnn import CNN, ConvBlock, ResidualCNN, SimpleCNN
from sightline.networks.architectures.own.layers import AttentionResidualBlock, DenseBlock
from sightline.networks.architectures.own.size import Size

MAPS = {  # sides of the maps of feature_info, of the last maps, and their channels, at 32 px
    SimpleCNN: ([32, 16, 8], 4, 128),
    CNN: ([32, 16, 8, 4], 4, 256),
    ResidualCNN: ([32, 16, 8, 4], 4, 256),
    AttentionResNet: ([16, 8, 4], 4, 256),
    AttentionDenseNet: ([16, 8, 4], 4, 176),
    AttentionHybrid: ([16, 8, 4], 4, 256),
    CifarNet: ([31, 15, 7, 3], 3, 256),
    WideCifarNet: ([31, 15, 7, 3], 3, 256),
}

every_network = pytest.mark.parametrize("architecture", MAPS)


@pytest.fixture(autouse=True)
def reproducible():
    torch.manual_seed(0)
    torch.set_deterministic_debug_mode("error")
    yield
    torch.set_deterministic_debug_mode("default")


@every_network
@pytest.mark.parametrize("size", [(16, 16), (32, 32), (64, 64), (24, 40)])
def test_logits_for_any_size_from_16_pixels(architecture, size):
    network = architecture(7, 0.1)
    assert network(torch.randn(2, 3, *size)).shape == (2, 7)


@every_network
def test_docstring_states_the_parameters(architecture):
    count = sum(p.numel() for p in architecture(10, 0.0).parameters() if p.requires_grad)
    (stated,) = re.findall(r"([\d,]+) (?:trained )?parameters\s+for\s+10\s+classes", architecture.__doc__)
    assert count == int(stated.replace(",", ""))


def test_parameters_of_cnn_by_hand():
    convolutions = 9 * (3 * 32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256)
    norms = 2 * 2 * (32 + 64 + 128 + 256)
    plain = convolutions + norms + 256 * 10 + 10
    shortcuts = 3 * 32 + 32 * 64 + 64 * 128 + 128 * 256 + norms // 2
    counts = [sum(p.numel() for p in network(10, 0.0).parameters()) for network in (CNN, ResidualCNN)]
    assert counts == [plain, plain + shortcuts]


@every_network
def test_maps_are_as_feature_info_says(architecture):
    sides, last_side, last_channels = MAPS[architecture]
    network, shapes = architecture(3, 0.0), []
    for info in network.feature_info:
        module = network.get_submodule(info["module"])
        module.register_forward_hook(lambda _module, _inputs, output: shapes.append(tuple(output.shape[1:])))
    images = torch.randn(2, 3, 32, 32)
    features = network.eval().forward_features(images)
    assert features.shape == (2, last_channels, last_side, last_side)
    assert shapes == [(info["num_chs"], side, side) for info, side in zip(network.feature_info, sides, strict=True)]
    unpadded = issubclass(architecture, CifarNet)  # its first layer takes one pixel off
    assert sides == [(32 - unpadded) // info["reduction"] for info in network.feature_info]
    torch.testing.assert_close(network.forward_head(features), network(images))


@every_network
def test_gradients_reach_every_parameter(architecture):
    network = architecture(3, 0.0)
    functional.cross_entropy(network(torch.randn(8, 3, 32, 32)), torch.arange(8) % 3).backward()
    trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert [name for name, parameter in trained.items() if parameter.grad is None or not parameter.grad.any()] == []


@every_network
def test_evaluation_ignores_the_random_stream_and_the_rest_of_the_batch(architecture):
    network, images = architecture(3, 0.5).eval(), torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        first, second, alone = network(images), network(images), network(images[:1])
    assert torch.equal(first, second)
    torch.testing.assert_close(alone, first[:1])


@every_network
def test_dropout_acts_on_what_the_head_reads(architecture):
    """With a head that averages ones, a logit is the share of features kept over the rate of keeping."""
    network = architecture(2, 0.75).train()
    width = network.head.in_features
    nn.init.constant_(network.head.weight, 1 / width)
    nn.init.zeros_(network.head.bias)
    ones = torch.ones(400, width, 1, 1)
    full = network.eval().forward_head(ones)[0, 0].item()
    logits = network.train().forward_head(ones)[:, 0] / full
    assert logits.mean().item() == pytest.approx(1, abs=0.05)
    kept = logits * width * 0.25
    torch.testing.assert_close(kept, kept.round())
    assert kept.min() < kept.max()


@every_network
def test_training_repeats_bit_for_bit(architecture):
    network, images = architecture(3, 0.3), torch.randn(8, 3, 32, 32)
    runs = []
    for member in (network, copy.deepcopy(network)):
        torch.manual_seed(5)
        optimizer = torch.optim.SGD(member.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            functional.cross_entropy(member(images), torch.arange(8) % 3).backward()
            optimizer.step()
        runs.append(member.state_dict())
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])


@every_network
def test_channels_last_and_bf16_change_little(architecture):
    network, images = architecture(3, 0.0).eval(), torch.randn(2, 3, 32, 32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        found = copy.deepcopy(network).to(memory_format=torch.channels_last)(
            images.contiguous(memory_format=torch.channels_last)
        )
    torch.testing.assert_close(found.float(), network(images).detach(), atol=0.03, rtol=0.05)


@every_network
def test_timm_numbers_the_blocks_and_puts_the_head_last(architecture):
    network = architecture(3, 0.0)
    numbers = group_parameters(network, network.group_matcher(), reverse=True)
    for name, number in numbers.items():
        expected = len(network.blocks) if name.startswith("head.") else int(name.split(".")[1])
        assert number == expected, name
    assert network.get_classifier() is network.head


@every_network
def test_onnx_agrees_with_torch_for_any_batch(architecture):
    network = architecture(5, 0.2).eval()
    with torch.no_grad():
        for buffer in network.buffers():  # statistics that are not the identity
            if buffer.is_floating_point() and buffer.ndim == 1:
                buffer.add_(0.2 * torch.rand_like(buffer))
    settle(network)  # as export does, which halves the time of tracing
    program = torch.onnx.export(
        network,
        (torch.randn(2, 3, 32, 32),),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    stream = io.BytesIO()
    program.save(stream)
    session = onnxruntime.InferenceSession(stream.getvalue(), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        images = torch.randn(batch, 3, 32, 32)
        (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), network(images).detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "channels", "blocks"),
    [
        (AttentionResNet, (96, 192, 384), 6),
        (AttentionDenseNet, (48 + 12 * 32, 216 + 12 * 32, 300 + 12 * 32), 12),  # growth 24: 36, to multiples of 8: 32
        (AttentionHybrid, (48 + 6 * 24, 192 + 12 * 24, 384), 6),
        (ResidualCNN, (48, 96, 192, 384), 3),
        (SimpleCNN, (48, 96, 192), 3),
        (CifarNet, (24, 96, 192, 384), 6),  # whitening depends on the patches alone
        (WideCifarNet, (24, 96, 384, 384), 6),
    ],
)
def test_a_size_multiplies_channels_and_blocks(architecture, channels, blocks):
    network = architecture(3, 0.0, size=Size(1.5, 3)).eval()
    assert tuple(info["num_chs"] for info in network.feature_info) == channels
    shapes = []
    for info in network.feature_info:
        module = network.get_submodule(info["module"])
        module.register_forward_hook(lambda _module, _inputs, output: shapes.append(output.shape[1]))
    assert network(torch.randn(2, 3, 16, 16)).shape == (2, 3)
    assert tuple(shapes) == channels
    assert count_blocks(network) == blocks


def count_blocks(network):
    """Return the blocks, dense layers or plain convolutions of the last resolution."""
    stage = network.blocks[-1 - isinstance(network, AttentionDenseNet)]  # behind its blocks there is a norm
    kind = nn.Conv2d if isinstance(network, SimpleCNN | CifarNet) else (AttentionResidualBlock, ConvBlock, DenseBlock)
    found = [part for part in stage.modules() if isinstance(part, kind)]
    return len(found[0].layers) if isinstance(found[0], DenseBlock) else len(found)
