"""Checkpointing changes what is kept, and nothing that is learnt."""

import pytest
import torch
from torch.nn import functional

from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import build_network
from sightline.networks.classifier import Classifier
from sightline.networks.memory import measure_image
from sightline.training.recipe.checkpointing import use_checkpoints

NETWORKS = {"cnn": 32, "cifarnet": 32, "resnet10t": 32, "vit_tiny_patch16_224": 32, "mobilenetv3_small_050": 32}


def build(architecture, checkpoints, drop_rate=0.5):
    torch.manual_seed(0)
    network = build_network(architecture, 5, NETWORKS[architecture], pretrained=False, rates=(drop_rate, 0.0))
    if checkpoints:
        use_checkpoints(network, architecture)
    return network.train()


def learn(network, side):
    """Return the gradients and the state after two passes with dropout."""
    images = torch.rand(8, 3, side, side, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    for _ in range(2):
        network.zero_grad()
        functional.cross_entropy(network(images), torch.arange(8) % 5).backward()
    return {name: parameter.grad for name, parameter in network.named_parameters()}, network.state_dict()


@pytest.mark.parametrize("architecture", NETWORKS)
def test_gradients_and_running_statistics_are_equal(architecture):
    plain, before = learn(build(architecture, False), NETWORKS[architecture])
    again, after = learn(build(architecture, True), NETWORKS[architecture])
    assert any(gradient is not None and gradient.any() for gradient in plain.values())
    assert [
        name for name, gradient in plain.items() if gradient is not None and not torch.equal(gradient, again[name])
    ] == []
    assert [name for name, tensor in before.items() if not torch.equal(tensor, after[name])] == []


@pytest.mark.parametrize("architecture", ["cnn", "vit_tiny_patch16_224"])
def test_less_waits_for_the_gradients(architecture):
    plain, checkpointed = (
        measure_image(Classifier(build(architecture, on), [0.5] * 3, [0.2] * 3, 32), 32, backward=True)
        for on in (False, True)
    )
    assert checkpointed < 0.8 * plain


def test_norms_remember_again_after_the_backward_pass():
    network = build("cnn", True)
    learn(network, 32)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all(norm.momentum == 0.1 and norm.num_batches_tracked == 2 for norm in norms)


def test_a_network_without_checkpoints_is_refused():
    network = build_network("hog+svm", 5, 32, pretrained=False)
    with pytest.raises(SightlineError, match=r"checkpointing: hog.svm does not offer it"):
        use_checkpoints(network, "hog+svm")
