import copy

import pytest
import timm
import torch
from torch import nn

from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.handcrafted.network import HandcraftedNetwork
from sightline.training.recipe.freeze import freeze, freeze_batch_norms, keep_frozen_still, list_stages, unfreeze

CASES = {  # network -> (input size, parameters of its head)
    "resnet18": (32, ["fc.weight", "fc.bias"]),
    "vit_tiny_patch16_224": (32, ["head.weight", "head.bias"]),
    "convnext_atto": (32, ["head.fc.weight", "head.fc.bias"]),
    "efficientnet_b0": (32, ["classifier.weight", "classifier.bias"]),
    "simple_cnn": (16, ["head.weight", "head.bias"]),
    "cifarnet": (16, ["head.weight", "head.bias"]),
}
every_network = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def built():
    """Networks for three classes; each test takes a copy."""
    torch.manual_seed(0)
    return {name: build_network(name, 3, size, False, (0.3, 0.0)) for name, (size, _) in CASES.items()}


def trained(network):
    return [name for name, parameter in network.named_parameters() if parameter.requires_grad]


def step(network, size):
    """Make a training step that is large enough to move whatever is trained."""
    network.train()
    keep_frozen_still(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=0.1)
    network(torch.randn(4, 3, size, size)).square().sum().backward()
    optimizer.step()


def moved(before, network):
    return [name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)]


@every_network
def test_of_a_frozen_backbone_only_the_head_changes(name, built):
    """Running statistics are in the state dict too."""
    size, head = CASES[name]
    network = copy.deepcopy(built[name])
    freeze(network, "backbone")
    before = copy.deepcopy(network.state_dict())
    step(network, size)
    assert moved(before, network) == trained(network) == head


@every_network
def test_of_two_frozen_stages_the_rest_changes(name, built):
    network = copy.deepcopy(built[name])
    held = {key for names in list_stages(network)[:2] for key in names}
    before, all_trained = copy.deepcopy(network.state_dict()), trained(network)
    freeze(network, 2)
    assert trained(network) == [key for key in all_trained if key not in held]
    statistics = [key for key, _ in network.named_buffers() if key.endswith("running_mean")]
    step(network, CASES[name][0])
    frozen_modules = {key.rpartition(".")[0] for key in held}
    changed = moved(before, network)
    assert not held & set(changed)
    for key in statistics:
        assert (key in changed) == (key.rpartition(".")[0] not in frozen_modules), key


@every_network
@pytest.mark.parametrize("what", ["backbone", "1", "none"])
def test_unfreezing_restores_what_was_trained(name, what, built):
    network = copy.deepcopy(built[name])
    before = trained(network)
    frozen = freeze(network, what)
    assert len(trained(network)) == len(before) - len(frozen)
    assert bool(frozen) == (what != "none")
    unfreeze(frozen)
    assert trained(network) == before
    network.train()
    keep_frozen_still(network)
    assert [key for key, module in network.named_modules() if not module.training] == []


def test_what_cifarnet_never_trains_stays_so(built):
    network = copy.deepcopy(built["cifarnet"])
    scales = [key for key, parameter in network.named_parameters() if not parameter.requires_grad]
    assert len(scales) == 6
    unfreeze(freeze(network, "backbone"))
    assert [key for key, parameter in network.named_parameters() if not parameter.requires_grad] == scales


def test_dropout_in_frozen_parts_rests_and_that_of_the_head_works(built):
    network = build_network("vit_tiny_patch16_224", 3, 32, False, (0.3, 0.2))
    freeze(network, "backbone")
    network.train()
    keep_frozen_still(network)
    assert not network.blocks[-1].drop_path1.training
    assert network.head_drop.training


def test_the_stages_of_a_resnet_are_its_stem_and_its_four_layers(built):
    stages = list_stages(built["resnet18"])
    assert stages[0] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert [{name.partition(".")[0] for name in names} for names in stages[1:]] == [
        {"layer1"},
        {"layer2"},
        {"layer3"},
        {"layer4"},
    ]


def test_counts_of_stages(built):
    counts = {name: len(list_stages(network)) for name, network in built.items()}
    assert counts == {
        "resnet18": 5,
        "vit_tiny_patch16_224": 13,  # patch embedding and 12 blocks
        "convnext_atto": 5,
        "efficientnet_b0": 8,  # stem and 7
        "simple_cnn": 3,
        "cifarnet": 4,
    }


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("4", r"freeze: 4 is not in 1\.\.3"),
        (0, r"freeze: 0 is not in 1\.\.3"),
        ("all", r"freeze: must be one of none, backbone or a number, not 'all'"),
        ("-1", r"freeze: must be one of none, backbone or a number, not '-1'"),
    ],
)
def test_what_cannot_be_frozen_is_one_line(what, message, built):
    network = copy.deepcopy(built["simple_cnn"])
    with pytest.raises(SightlineError, match=rf"params\.yaml: {message}"):
        freeze(network, what)
    assert trained(network) == trained(built["simple_cnn"])


@pytest.mark.parametrize("name", ["poolformer_s12", "rdnet_tiny"])
def test_networks_without_coarse_groups_say_so(name):
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=3)
    with pytest.raises(SightlineError, match="does not number its stages"):
        freeze(network, 1)
    freeze(network, "backbone")
    assert len(trained(network)) == 2


def test_handcrafted_features_have_nothing_to_freeze():
    network = HandcraftedNetwork("hog+svm", 3)
    assert freeze(network, "none") == []
    with pytest.raises(SightlineError, match="freeze: backbone is for networks that learn by gradients"):
        freeze(network, "backbone")


def test_a_norm_without_scale_inside_a_frozen_part_rests():
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, affine=False)), nn.Linear(4, 2))
    for parameter in network[0].parameters():
        parameter.requires_grad_(False)
    network.train()
    keep_frozen_still(network)
    assert [module.training for module in (network, network[0], network[0][1], network[1])] == [
        True,
        False,
        False,
        True,
    ]


def test_batch_norms_at_rest_stay_so_in_parts_that_train_and_when_others_wake(built):
    network = copy.deepcopy(built["resnet18"])
    freeze_batch_norms(network)
    frozen = freeze(network, 2)
    unfreeze(frozen)
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    before = copy.deepcopy(network.state_dict())
    step(network, 32)
    changed = {name.rpartition(".")[0] for name in moved(before, network)}
    assert len(norms) == 20
    assert changed == {name.rpartition(".")[0] for name in before} - norms


def test_of_batch_norms_at_rest_those_of_a_new_head_are_none():
    network = build_network("levit_128s", 3, 224, False)
    freeze_batch_norms(network)
    network.train()
    keep_frozen_still(network)
    assert network.head.bn.training and network.head.bn.weight.requires_grad
    assert not network.stem.conv1.bn.training
