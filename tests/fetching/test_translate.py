import pytest
import timm
import torch

from sightline.common.errors import SightlineError
from sightline.fetching.translate import load_all, translate

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
FIRST = ("_depthwise_conv.weight", *(f"_bn1.{name}" for name in NORM), "_project_conv.weight")
FIRST += tuple(f"_bn2.{name}" for name in NORM)
LATER = ("_expand_conv.weight", *(f"_bn0.{name}" for name in NORM), *FIRST)


def package_names(blocks):
    """Return the names in a package's file, in its order: the first block alone has no expansion."""
    names = ["_conv_stem.weight", *(f"_bn0.{name}" for name in NORM)]
    for number in range(blocks):
        names += [f"_blocks.{number}.{name}" for name in (LATER if number else FIRST)]
    return [*names, "_conv_head.weight", *(f"_bn1.{name}" for name in NORM), "_fc.weight", "_fc.bias"]


@pytest.mark.parametrize(
    ("name", "blocks", "tensors"),
    [("tf_efficientnet_lite0", 16, 296), ("tf_efficientnet_lite1", 21, 386), ("tf_efficientnet_lite2", 21, 386)],
)
def test_every_tensor_of_a_package_becomes_timms_of_the_same_place(name, blocks, tensors):
    network = timm.create_model(name)
    own = network.state_dict()
    given = dict(zip(package_names(blocks), (torch.clone(tensor) for tensor in own.values()), strict=True))
    translated = translate(given, [len(stage) for stage in network.blocks])
    assert list(translated) == list(own)  # both files list the tensors from input to output
    assert len(translated) == tensors
    assert all(translated[key] is tensor for key, tensor in zip(own, given.values(), strict=True))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("_conv_stem.weight", "conv_stem.weight"),
        ("_bn0.bias", "bn1.bias"),
        ("_bn1.running_var", "bn2.running_var"),
        ("_fc.bias", "classifier.bias"),
        ("_blocks.0._project_conv.weight", "blocks.0.0.conv_pw.weight"),
        ("_blocks.0._bn2.weight", "blocks.0.0.bn2.weight"),
        ("_blocks.2._expand_conv.weight", "blocks.1.1.conv_pw.weight"),
        ("_blocks.2._project_conv.weight", "blocks.1.1.conv_pwl.weight"),
        ("_blocks.2._bn2.weight", "blocks.1.1.bn3.weight"),
        ("_blocks.3._bn2.weight", "_blocks.3._bn2.weight"),  # one block more than the network has
        ("_blocks.2._se.weight", "blocks.1.1._se.weight"),
        ("_swish.weight", "_swish.weight"),
    ],
)
def test_names_by_hand_for_stages_of_one_and_two_blocks(given, expected):
    tensors = dict.fromkeys([given, "_blocks.1._expand_conv.weight", "_blocks.2._expand_conv.weight"], torch.zeros(1))
    assert next(iter(translate(tensors, [1, 2]))) == expected


def changed(change):
    tensors = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
    change(tensors)
    return tensors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("bias"), "bias: missing"),
        (lambda tensors: tensors.update(neck=torch.zeros(1)), "neck: unknown to the network"),
        (lambda tensors: tensors.update(weight=torch.zeros(3, 2)), r"weight: has shape \[3, 2\] instead of \[2, 3\]"),
    ],
)
def test_a_tensor_too_few_too_many_or_of_another_shape_is_one_line(change, message):
    network = torch.nn.Linear(3, 2)
    before = network.weight.clone()
    with pytest.raises(SightlineError, match=f"some_package: {message}") as caught:
        load_all(network, changed(change), "some_package")
    assert "\n" not in str(caught.value)
    assert torch.equal(network.weight, before)


def test_what_fits_is_loaded():
    network = torch.nn.Linear(3, 2)
    load_all(network, changed(lambda tensors: None), "some_package")
    assert network(torch.ones(1, 3)).tolist() == [[4.0, 4.0]]
