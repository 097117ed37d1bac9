"""Heads other than those that architectures bring."""

import copy

import pytest
import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.head import AS_BUILT, Head, shape_head

CLASSES = 3
POOLED = {  # of the maps [[1, 2], [3, 10]]
    "avg": [4.0],
    "max": [10.0],
    "avgmax": [7.0],
    "catavgmax": [4.0, 10.0],
}
NETWORKS = {"simple_cnn": 16, "cifarnet": 16, "test_resnet": 32, "test_convnext": 32, "test_efficientnet": 32}


def shaped(name, hidden, pool, size=32, rate=0.0):
    network = build_network(name, CLASSES, size, False)
    shape_head(network, Head(hidden=hidden, pool=pool), name, CLASSES, size, rate)
    return network


@pytest.mark.parametrize("pool", POOLED)
@pytest.mark.parametrize("name", ["simple_cnn", "test_resnet"])  # an own one, one of timm's
def test_maps_are_pooled_as_worked_out_by_hand(name, pool):
    network = shaped(name, 0, pool).eval()
    maps = torch.zeros(1, network.feature_info[-1]["num_chs"], 2, 2)
    maps[0, 0] = torch.tensor([[1.0, 2.0], [3.0, 10.0]])
    head = network.get_classifier()
    seen = []
    head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network.forward_head(maps)
    (features,) = seen
    assert features.shape[1] == head.in_features
    assert features[features != 0].tolist() == POOLED[pool]


def test_as_built_nothing_changes_and_the_pool_of_cifarnet_is_the_maximum():
    network = build_network("cifarnet", CLASSES, 16, False).eval()
    before = copy.deepcopy(network)
    shape_head(network, AS_BUILT, "cifarnet", CLASSES, 16)
    assert network.state_dict().keys() == before.state_dict().keys()
    maps = torch.randn(2, 256, 3, 3)
    torch.testing.assert_close(network.forward_head(maps), before.head(maps.amax(dim=(2, 3))) / 9)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hidden_layer_stands_before_that_of_the_classes(name):
    network = shaped(name, 5, "network", NETWORKS[name], 0.25)
    head = network.get_classifier()
    assert [type(layer) for layer in head] == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert (head[0].out_features, head[2].p, head[3].out_features) == (5, 0.25, CLASSES)
    assert network(torch.zeros(2, 3, NETWORKS[name], NETWORKS[name])).shape == (2, CLASSES)
    assert network.training


@pytest.mark.parametrize(
    ("name", "size", "head", "words"),
    [
        ("mixer_s32_224", 224, Head(hidden=0, pool="max"), "head.pool: mixer_s32_224 cannot pool by max"),
        ("test_vit", 32, Head(hidden=0, pool="catavgmax"), "head.pool: test_vit cannot pool by catavgmax"),
        ("hog_lbp_color+svm", 32, Head(hidden=0, pool="avg"), "head.pool: .* cannot pool by avg"),
        ("hog_lbp_color+svm", 32, Head(hidden=8, pool="network"), "head.hidden: .* does not end in one linear layer"),
        ("levit_128s", 224, Head(hidden=8, pool="network"), "head.hidden: levit_128s does not end in one linear layer"),
    ],
)
def test_what_a_network_cannot_have_is_refused_in_one_line(name, size, head, words):
    network = build_network(name, CLASSES, size, False)
    with pytest.raises(SightlineError, match=words) as caught:
        shape_head(network, head, name, CLASSES, size)
    assert "\n" not in str(caught.value)
