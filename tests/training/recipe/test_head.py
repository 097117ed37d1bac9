import math

import numpy as np
import pytest
import torch
from timm.models.efficientvim import EfficientViM
from timm.models.metaformer import MetaFormer
from torch.nn import functional

from sightline.networks.architectures.build import build_network
from sightline.networks.classifier import Classifier
from sightline.training.recipe.head import NotLinearError, read_features, set_head, zero_head

CLASSES = 3
SIZES = {"simple_cnn": 8, "test_resnet": 32, "test_vit": 32, "test_convnext": 32, "levit_128s": 224}  # two heads: levit
PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))


def build(name):
    torch.manual_seed(0)
    network = build_network(name, CLASSES, SIZES[name], pretrained=False)
    return Classifier(network, [0.5] * 3, [0.2] * 3, SIZES[name]).eval()


@pytest.mark.parametrize("name", SIZES)
def test_a_zero_head_finds_all_classes_alike_and_loses_ln_c(name):
    classifier = build(name)
    zero_head(classifier.network)
    with torch.no_grad():
        logits = classifier(PIXELS)
    assert torch.equal(logits, torch.zeros(4, CLASSES))
    assert functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).item() == pytest.approx(math.log(3), abs=1e-6)


def test_of_a_head_of_two_layers_the_last_is_zero_so_that_both_learn():
    network = MetaFormer(num_classes=CLASSES, depths=(1, 1, 1, 1), dims=(8, 8, 8, 8), use_mlp_head=True).eval()
    zero_head(network)
    head = network.get_classifier()
    assert head.fc2.weight.abs().sum() == 0 < head.fc1.weight.abs().sum()
    assert torch.equal(network(torch.randn(2, 3, 64, 64)), torch.zeros(2, CLASSES))


def test_all_layers_of_a_head_that_sums_several_are_zero():
    network = EfficientViM(num_classes=CLASSES, embed_dim=(8, 8, 8), depths=(1, 1, 1)).eval()
    zero_head(network)
    assert torch.equal(network(torch.randn(2, 3, 64, 64)), torch.zeros(2, CLASSES))


@pytest.mark.parametrize("name", ["simple_cnn", "test_resnet", "test_vit", "test_convnext"])
def test_features_times_a_head_that_was_set_are_the_logits(name):
    classifier = build(name).train()
    features = read_features(classifier, PIXELS.split(3), 4)
    weight = np.random.default_rng(1).normal(size=(CLASSES, features.shape[1]))
    bias = np.array([1.0, -2.0, 0.5])
    set_head(classifier.network, weight, bias)
    with torch.no_grad():
        logits = classifier.eval()(PIXELS).numpy()
    assert features.shape[0] == 4
    assert logits == pytest.approx(features @ weight.T + bias, abs=1e-4)


@pytest.mark.parametrize("name", ["levit_128s", "cifarnet"])  # two heads; logits that are scaled behind the head
def test_a_head_that_is_not_one_linear_layer_is_refused_in_one_line(name):
    size = SIZES.get(name, 32)
    classifier = Classifier(build_network(name, CLASSES, size, False), [0.5] * 3, [0.2] * 3, size)
    with pytest.raises(
        NotLinearError, match="head_init: what is fitted on features is for networks whose logits are"
    ) as caught:
        read_features(classifier, PIXELS.split(2), 4)
    assert "\n" not in str(caught.value)


def test_no_images_have_no_features():
    assert read_features(build("simple_cnn"), [], 0).shape == (0, 128)
