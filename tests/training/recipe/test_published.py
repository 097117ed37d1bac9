import pytest
import torch
from safetensors.torch import save_file

from sightline.common.errors import SightlineError
from sightline.common.files import write_json
from sightline.common.params import load_params
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.saved import Member, ModelSpec, write_spec
from sightline.parameters.train import TrainParams
from sightline.training.recipe.pretrained import weights_normalization
from sightline.training.recipe.published import Expected, Published, read_published, sha256_of, weights_notes

FILE = "models/pretrained/some.net.safetensors"
EXPECTED = Expected(
    mean=[0.5, 0.25, 0.125], std=[0.5, 0.5, 1.0], interpolation="bicubic", crop_share=0.875, input_size=224
)
SAYS = "train: the weights expect 224 px, bicubic, crop share 0.875, mean 0.5 0.25 0.125, deviation 0.5 0.5 1"


def spec(size=224, resample="bicubic", mean=EXPECTED.mean):
    return ModelSpec(
        classes=["ant", "bee"],
        preprocessing=Preprocessing(image_size=256, fit="crop", resample=resample, background=[255, 255, 255]),
        input_size=size,
        mean=mean,
        std=EXPECTED.std,
        members=[Member(architecture="simple_cnn", file="member_0_best.safetensors", fold=None)],
    )


@pytest.fixture
def weights(workspace):
    path = workspace / FILE
    path.parent.mkdir(parents=True)
    save_file({"weight": torch.ones(2)}, path)
    published = Published(
        name="some.net",
        source="a package",
        version="0.1.0",
        licence="MIT",
        archive_sha256=None,
        weights_sha256=sha256_of(path),
        tensors=1,
        parameters=2,
        preprocessing=EXPECTED,
    )
    write_json(path.parent / "some.net.json", published.model_dump())
    return path


def test_the_checksum_is_that_of_sha256sum(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_brings_the_normalization_of_its_json(weights):
    assert weights_normalization(FILE) == (EXPECTED.mean, EXPECTED.std)


def test_the_json_of_other_weights_is_refused_in_one_line(weights):
    save_file({"weight": torch.zeros(2)}, weights)
    with pytest.raises(SightlineError, match=r"some\.net\.json: describes other weights than") as caught:
        read_published(weights)
    assert "\n" not in str(caught.value)


def test_a_json_alone_or_weights_alone_tell_nothing(weights):
    weights.rename(weights.with_name("other.safetensors"))
    assert read_published(weights) is None
    assert read_published(weights.with_name("other.safetensors")) is None


@pytest.mark.parametrize(
    ("of_run", "line"),
    [
        (spec(), None),
        (spec(mean=[0.5, 0.2505, 0.125]), None),  # half a thousandth off
        (spec(size=192), "the network takes 192 px"),
        (spec(resample="bilinear"), "prepare.resample is bilinear"),
        (
            spec(160, "box", [0.5, 0.5, 0.5]),
            "the network takes 160 px, prepare.resample is box, "
            "normalization is dataset: mean 0.5 0.5 0.5, deviation 0.5 0.5 1",
        ),
    ],
)
def test_a_training_says_what_the_weights_expect_and_where_it_differs(of_run, line, weights, set_params):
    set_params(weights=FILE, model="simple_cnn")
    notes = weights_notes(load_params(TrainParams), of_run)
    assert notes == [SAYS] + ([f"train: unlike that, {line}"] if line else [])


def test_a_copy_of_models_trained_expects_what_it_was_trained_on(workspace, set_params):
    write_spec(workspace / "models/pretrained/photos", spec())
    set_params(weights="models/pretrained/photos", model="simple_cnn")
    assert weights_notes(load_params(TrainParams), spec()) == [SAYS]  # 224 of 256 px


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"model": "tf_efficientnet_lite1", "pretrained": True}, "240 px, bicubic, crop share 0.882, mean 0.5 0.5 0.5"),
        ({"model": "resnet18.tv_in1k", "weights": "models/pretrained/own.pth"}, "224 px, bilinear, crop share 0.875"),
    ],
)
def test_without_a_json_timm_tells(params, says, workspace, set_params):
    set_params(**params)
    assert f"the weights expect {says}" in weights_notes(load_params(TrainParams), spec())[0]


@pytest.mark.parametrize(
    "params",
    [
        {"model": "resnet18"},
        {"model": "simple_cnn", "weights": "models/pretrained/own.pth"},
        {"model": "resnet18.of_yesterday", "pretrained": True},
        {"model": "resnet81", "pretrained": True},
    ],
)
def test_where_nobody_knows_nothing_is_said(params, workspace, set_params):
    set_params(**params)
    assert weights_notes(load_params(TrainParams), spec()) == []
