"""`accumulate: auto` takes the fewest equal parts that fit."""

import pytest
from accelerate import Accelerator
from safetensors.torch import load_file

import train
from sightline.common.params import load_params
from sightline.networks.architectures.head import Head
from sightline.networks.saved import ModelSpec
from sightline.parameters.train import TrainParams
from sightline.training.recipe.accumulation import choose_parts, settle_accumulation
from small_run import CLASSES, make_training


@pytest.mark.parametrize(
    ("batch_size", "sizes", "processes", "at_once", "least", "parts"),
    [
        (64, {64}, 1, 64, 2, 1),
        (64, {64}, 1, 63, 2, 2),  # 32 each
        (64, {64}, 1, 6, 2, 16),  # 4 each: 8 would not fit
        (64, {64}, 2, 6, 2, 8),  # 8 parts, of which each process takes 4 images
        (60, {60}, 1, 13, 2, 5),  # 12 each
        (64, {64}, 1, 1, 2, 32),  # does not fit, but batch norm needs two
        (64, {64}, 1, 1, 1, 64),
        (64, {40}, 1, 6, 2, 8),  # all 40 images make a batch: 5 each; 16 parts would not be equal
        (64, {64, 40}, 1, 6, 2, 8),  # 16 parts would not be equal for the second member: 8 each in the first
        (7, {7}, 1, 3, 2, 1),  # no equal parts of two or more
        (1, {1}, 1, 8, 2, 1),
    ],
)
def test_fewest_parts_that_fit(batch_size, sizes, processes, at_once, least, parts):
    assert choose_parts(batch_size, sizes, processes, at_once, least) == parts


@pytest.fixture
def params(workspace, set_params):
    def change(**values):
        set_params(warmup_epochs=0, **values)
        return load_params(TrainParams)

    return change


def settle(params, side):
    head = Head(**params.head.model_dump())
    spec = ModelSpec.model_construct(classes=CLASSES, input_size=side, mean=[0.5] * 3, std=[0.2] * 3, head=head)
    accelerator = Accelerator(cpu=True)
    settled = settle_accumulation(params, spec, [1000], accelerator)
    assert accelerator.gradient_accumulation_steps == settled.accumulate
    return settled.accumulate


def test_the_default_network_takes_its_batch_whole(params):
    assert settle(params(accumulate="auto"), 32) == 1


def test_a_smaller_budget_makes_more_parts_and_one_line(params, capsys):
    assert settle(params(accumulate="auto", memory_mb=20), 32) == 4  # 0.65 MiB an image: 30, hence 16 of 64
    assert capsys.readouterr().out == "train: accumulate: auto: 4 x 16 images, 0.7 MiB each\n"
    assert settle(params(accumulate="auto", memory_mb=1), 32) == 32  # one image fits, but batch norm needs two
    assert "more than memory_mb: 1" in capsys.readouterr().out


def test_what_is_frozen_makes_room_and_checkpoints_do(params):
    learnt = {"accumulate": "auto", "model": "cnn", "memory_mb": 8}
    plain = settle(params(**learnt), 32)
    assert settle(params(**learnt, checkpointing=True), 32) < plain
    assert settle(params(**learnt, checkpointing=False, freeze="backbone"), 32) < plain


def test_a_hidden_layer_of_the_head_takes_room(params):
    learnt = {"accumulate": "auto", "model": "simple_cnn", "memory_mb": 16}
    plain = settle(params(**learnt), 32)
    wide = params(**learnt, **{"head.hidden": 100_000})  # 0.4 MB of features, and as much for each of its operations
    assert settle(wide, 32) > plain


def test_where_no_batch_norm_learns_a_part_may_be_one_image(params):
    tight = {"accumulate": "auto", "batch_size": 4, "memory_mb": 1, "model": "cnn"}
    assert settle(params(**tight), 32) == 2
    given = params(**tight, weights="models/pretrained/cnn.safetensors", freeze_batch_norm=True)
    assert settle(given, 32) == 4
    assert settle(params(**tight, weights="", freeze_batch_norm=False, freeze="backbone"), 64) == 4
    assert settle(params(**tight, freeze="backbone", unfreeze_epoch=1), 64) == 2  # which learn later


def test_a_number_stays_and_nothing_is_said(params, capsys):
    assert settle(params(accumulate=2), 32) == 2
    assert capsys.readouterr().out == ""


def test_auto_trains_as_its_number_does_and_checkpoints_change_nothing(workspace, params):
    make_training(workspace, 16, 2)
    weights = []
    for chosen in ({"accumulate": "auto"}, {"accumulate": 4}, {"accumulate": 4, "checkpointing": True}):
        train.main(params(epochs=2, batch_size=16, memory_mb=1, drop_rate=0.5, **chosen))
        weights.append(load_file("models/trained/member_0_last.safetensors"))
    for other in weights[1:]:
        assert all(other[name].equal(tensor) for name, tensor in weights[0].items())
