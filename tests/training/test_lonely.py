"""Steps of one image: refused before training where batch norm would have one value a channel, else trained."""

import pytest
import torch
from torch import nn

import train
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.networks.saved import ModelSpec
from sightline.parameters.train import TrainParams
from sightline.training.lonely import find_lonely_norm, note_lonely, refuse_lonely
from small_run import CLASSES, SIZE, make_training

LONELY = "cifarnet"  # whose last map of a 16 px image has one pixel


@pytest.fixture
def params(workspace, set_params):
    def change(**values):
        set_params(epochs=1, warmup_epochs=0, **values)
        return load_params(TrainParams)

    return change


def spec(size=SIZE):
    return ModelSpec.model_construct(classes=CLASSES, input_size=size, mean=[0.5] * 3)


@pytest.mark.parametrize(
    ("images", "changes"),
    [
        (8, {"batch_size": 1}),
        (8, {"batch_size": 4, "accumulate": 4}),
        (1, {"batch_size": 8}),
        (8, {"batch_size": 1, "model": ["simple_cnn", LONELY]}),
    ],
)
def test_a_step_of_one_image_is_refused_before_anything_is_trained(workspace, params, images, changes):
    make_training(workspace, images, 2)
    chosen = params(**{"model": LONELY} | changes)
    with pytest.raises(SightlineError, match=rf"batch_size: a step of one image .* too small for {LONELY}") as caught:
        train.main(chosen)
    assert "\n" not in str(caught.value)
    assert not list((workspace / "models/trained").iterdir())


@pytest.mark.parametrize(
    ("images", "changes"),
    [
        (3, {"batch_size": 2, "model": LONELY}),  # the third image, which would be alone, is left out
        (2, {"batch_size": 1, "model": "simple_cnn"}),
        (2, {"batch_size": 1, "model": "cnn"}),  # its batch norms see maps of several pixels
    ],
)
def test_what_can_be_trained_is_trained(workspace, params, images, changes):
    make_training(workspace, images, 2)
    train.main(params(**changes))
    assert (workspace / "models/trained/member_0_last.safetensors").exists()


def test_the_smallest_fold_and_the_number_of_processes_decide(params):
    chosen = params(model=LONELY, batch_size=8)
    refuse_lonely([9, 2], chosen, spec(), 1)
    with pytest.raises(SightlineError, match="1 training images"):
        refuse_lonely([9, 1], chosen, spec(), 1)
    refuse_lonely([9, 1], params(model="hog+svm", batch_size=8), spec(), 1)
    refuse_lonely([2], params(model=LONELY, batch_size=2), spec(), 2)  # an image each: they share their statistics


def test_only_norms_that_learn_count(params):
    assert find_lonely_norm("resnet18", params(), spec(32)) == "layer4.0.bn1"
    assert find_lonely_norm("resnet18", params(), spec(64)) is None
    assert find_lonely_norm("resnet18", params(freeze="backbone", unfreeze_epoch=0), spec(32)) is None
    assert find_lonely_norm("resnet18", params(freeze="backbone", unfreeze_epoch=1), spec(32)) == "layer4.0.bn1"


@pytest.mark.parametrize(("shape", "lonely"), [((1, 3), True), ((1, 3, 1, 1), True), ((1, 3, 1, 2), False)])
def test_one_value_a_channel_is_what_torch_refuses(shape, lonely):
    norm = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(3)
    found = []
    norm.eval().register_forward_pre_hook(note_lonely("norm", found))
    norm(torch.ones(shape))
    assert (found == ["norm"]) == lonely
    norm.train()
    if lonely:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            norm(torch.ones(shape))
    else:
        norm(torch.ones(shape))
