"""The batch follows the bytes that one image takes in this network, and nothing that the machine has free."""

from itertools import accumulate

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.profiler import ProfilerActivity, profile

from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.memory import AT_MOST, MEGABYTE, images_at_once, measure_image

SIDE = 8
PIXELS = SIDE * SIDE * 3  # bytes of an image as it is stored
FLOATS = 4 * PIXELS


class Chain(nn.Module):
    """Three layers on flat pixels, of which each makes as many float32 as it takes."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ParameterList(torch.eye(PIXELS) for _ in range(3))

    def forward(self, pixels):
        first, second, third = self.layers
        return ((pixels.flatten(1).float() @ first) @ second @ third).sigmoid()


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


def classifier(architecture, side=32):
    return Classifier(build_network(architecture, 10, side, pretrained=False), [0.5] * 3, [0.2] * 3, side)


def test_without_gradients_a_layer_lives_until_the_next_has_read_it():
    # a layer's input and output, and the stored pixels, which the caller keeps
    assert measure_image(Chain(), SIDE) == PIXELS + 2 * FLOATS


def test_what_is_made_of_weights_alone_does_not_count():
    chain = Chain()
    parametrize.register_parametrization(chain.layers, "1", Doubled())  # 192 times as large as an image's floats
    assert measure_image(chain, SIDE) == PIXELS + 2 * FLOATS


def test_with_gradients_each_layers_input_waits():
    # inputs of three layers, the scores, and gradients before and behind a layer; the scores' sum and its gradient
    assert measure_image(Chain(), SIDE, backward=True) == 6 * FLOATS + 2 * 4


def test_what_is_frozen_keeps_nothing_for_gradients():
    chain = Chain().requires_grad_(False)
    assert measure_image(chain, SIDE, backward=True) == measure_image(chain, SIDE)
    chain.layers[2].requires_grad_(True)
    assert measure_image(chain, SIDE) < measure_image(chain, SIDE, backward=True) < 6 * FLOATS


def test_the_batch_is_what_the_budget_holds():
    assert images_at_once(Chain(), SIDE, 1, backward=True) == 227  # of 4,616 bytes in 1,048,576
    assert images_at_once(Chain(), SIDE, 2, backward=True) == 454
    assert images_at_once(Chain(), SIDE, 3, backward=True) == AT_MOST == 512


@pytest.mark.parametrize("backward", [False, True])
def test_an_image_that_exceeds_the_budget_goes_alone(backward):
    network = classifier("simple_cnn", 512)  # 32 channels of 512 x 512 float32: 32 MiB
    assert measure_image(network, 512, backward) > 32 * MEGABYTE
    assert images_at_once(network, 512, 1, backward) == 1


@pytest.mark.parametrize("architecture", ["simple_cnn", "hog_lbp_color+svm", "vit_tiny_patch16_224"])
@pytest.mark.parametrize("backward", [False, True])
def test_two_measures_are_equal_and_leave_the_network_as_it_was(architecture, backward):
    network = classifier(architecture).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    stream = torch.get_rng_state()
    measures = [measure_image(network, 32, backward) for _ in range(2)]
    assert measures[0] == measures[1] > 32 * 32 * 3 * 4
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), stream)


def test_members_of_an_ensemble_go_one_after_the_other():
    members = [classifier("simple_cnn"), classifier("cnn")]
    whole = Decider(members, Calibration(method="none", temperature=1.0, images=0))
    alone = max(measure_image(member, 32) for member in members)
    assert alone <= measure_image(whole, 32) < alone + 32 * 32 * 3 * 4


@pytest.mark.parametrize("backward", [False, True])
def test_torchs_profiler_sees_the_same_growth(backward):
    network = classifier("cnn_residual", 64).eval()
    measured = measure_image(network, 64, backward)
    growth = profiled_peak(network, 12, backward) - profiled_peak(network, 4, backward)
    assert measured == pytest.approx(growth / 8, rel=0.05)


def profiled_peak(network, images, backward):
    """Return the most bytes that torch's allocator had given out at once for a batch, above those before it."""
    pixels = torch.zeros(images, 64, 64, 3, dtype=torch.uint8)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen, torch.set_grad_enabled(backward):
        scores = network(pixels)
        if backward:
            torch.autograd.grad(scores.sum(), list(network.parameters()))
    sizes = [event.nbytes() for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    return max(accumulate(sizes))
