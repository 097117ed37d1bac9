from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from sightline.common.errors import SightlineError
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.saved import Member, ModelSpec, write_spec, write_weights
from sightline.training.recipe.pretrained import load_weights, tracked_path, weights_normalization

HEADS = {"simple_cnn": "head", "test_resnet": "fc", "test_vit": "head", "test_convnext": "head.fc"}


def build(name, classes=5, size=64, seed=0):
    torch.manual_seed(seed)
    return build_network(name, classes, size, pretrained=False)


def differing(one, other):
    first, second = one.state_dict(), other.state_dict()
    return [name for name in first if not torch.equal(first[name], second[name])]


@pytest.mark.parametrize("name", HEADS)
def test_weights_of_other_classes_leave_the_head_as_it_was(name, tmp_path):
    source, network, untouched = build(name), build(name, 3, seed=1), build(name, 3, seed=1)
    save_file(source.state_dict(), tmp_path / "source.safetensors")
    fresh = load_weights(network, tmp_path / "source.safetensors")
    assert fresh == [f"{HEADS[name]}.weight", f"{HEADS[name]}.bias"]
    loaded = network.state_dict()
    for key, tensor in untouched.state_dict().items():
        assert torch.equal(loaded[key], tensor if key in fresh else source.state_dict()[key]), key


@pytest.mark.parametrize("name", [*HEADS, "cifarnet"])
def test_weights_of_as_many_classes_replace_all(name, tmp_path):
    source, network = build(name), build(name, seed=1)
    save_file(source.state_dict(), tmp_path / "source.safetensors")
    assert differing(source, network)
    assert load_weights(network, tmp_path / "source.safetensors") == []
    assert differing(source, network) == []


@pytest.mark.parametrize("wrapping", ["plain", "state_dict", "model", "ema first", "module.", "_orig_mod."])
def test_checkpoints_as_others_wrap_them(wrapping, tmp_path):
    source, network = build("test_resnet"), build("test_resnet", seed=1)
    weights = source.state_dict()
    content = {
        "plain": weights,
        "state_dict": {"state_dict": weights, "epoch": 3},
        "model": {"model": weights, "epoch": 3},
        "ema first": {"state_dict": network.state_dict(), "state_dict_ema": weights},
    }.get(wrapping) or {f"{wrapping}{name}": tensor for name, tensor in weights.items()}
    torch.save(content, tmp_path / "source.pth")
    assert load_weights(network, tmp_path / "source.pth") == []
    assert differing(source, network) == []


def test_files_from_before_batches_were_counted(tmp_path):
    source, network = build("test_resnet"), build("test_resnet", seed=1)
    torch.save({k: v for k, v in source.state_dict().items() if "num_batches" not in k}, tmp_path / "old.pth")
    assert load_weights(network, tmp_path / "old.pth") == []
    assert differing(source, network) == []


def test_torchvision_names_are_those_of_timm(tmp_path):
    from torchvision.models import resnet18

    source, network = resnet18(num_classes=4), build("resnet18", 3)
    torch.save(source.state_dict(), tmp_path / "resnet18.pth")
    assert load_weights(network, tmp_path / "resnet18.pth") == ["fc.weight", "fc.bias"]
    assert torch.equal(network.layer4[1].conv2.weight, source.layer4[1].conv2.weight)


def test_position_embeddings_are_resized_by_timm(tmp_path):
    source, network = build("test_vit", size=96), build("test_vit", 3, size=64, seed=1)
    assert source.pos_embed.shape == (1, 37, 64)
    with torch.no_grad():
        source.pos_embed[:, 1:] = 0.25  # a constant stays one, whatever the interpolation
    save_file(source.state_dict(), tmp_path / "large.safetensors")
    assert load_weights(network, tmp_path / "large.safetensors") == ["head.weight", "head.bias"]
    assert network.pos_embed.shape == (1, 17, 64)
    torch.testing.assert_close(network.pos_embed[:, 1:], torch.full((1, 16, 64), 0.25))
    assert torch.equal(network.pos_embed[:, 0], source.pos_embed[:, 0])


def write_trained(folder: Path, name: str, network: torch.nn.Module) -> None:
    spec = ModelSpec(
        classes=list("abcde"),
        preprocessing=Preprocessing(image_size=64, fit="crop", resample="bilinear", background=[255, 255, 255]),
        input_size=64,
        mean=[0.25, 0.5, 0.75],
        std=[0.5, 0.5, 0.5],
        members=[Member(architecture=name, file="member_0_best.safetensors", fold=None)],
    )
    write_weights(folder / "member_0_best.safetensors", network.state_dict())
    write_spec(folder, spec)


def test_an_earlier_experiment_gives_its_first_member_and_its_normalization(tmp_path):
    source, network = build("simple_cnn"), build("simple_cnn", 3, seed=1)
    write_trained(tmp_path, "simple_cnn", source)
    assert load_weights(network, tmp_path) == ["head.weight", "head.bias"]
    assert torch.equal(network.blocks[0][0].weight, source.blocks[0][0].weight)
    assert weights_normalization(tmp_path) == ([0.25, 0.5, 0.75], [0.5, 0.5, 0.5])
    assert weights_normalization(tmp_path / "member_0_best.safetensors") is None


def changed(change):
    """Save a simple_cnn whose state dict `change` has altered."""
    weights = build("simple_cnn").state_dict()
    change(weights)
    return weights


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: build("test_resnet").state_dict(), r"blocks\.0\.0\.weight: missing"),
        (lambda: changed(lambda w: w.pop("blocks.1.1.bias")), r"blocks\.1\.1\.bias: missing"),
        (
            lambda: changed(lambda w: w.update({"blocks.2.0.weight": torch.zeros(1, 2)})),
            r"blocks\.2\.0\.weight: has shape \[1, 2\] instead of \[128, 64, 3, 3\]",
        ),
        (lambda: changed(lambda w: w.update({"neck.bias": torch.zeros(1)})), r"neck\.bias: unknown to the network"),
        (lambda: {"weights": "all of them"}, r"weights: not a tensor"),
        (lambda: [torch.zeros(1)], r"not readable as weights \("),
        (lambda: build("simple_cnn"), r"not readable as weights \("),  # a pickled module
    ],
)
def test_what_does_not_fit_is_one_line_with_the_first_tensor(content, message, tmp_path):
    torch.save(content(), tmp_path / "some.pth")
    with pytest.raises(SightlineError, match=rf"some\.pth: {message}") as caught:
        load_weights(build("simple_cnn", 3), tmp_path / "some.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["noise.safetensors", "noise.pth", "empty.pth"])
def test_a_broken_file_is_one_line(name, tmp_path):
    (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"no weights at all")
    with pytest.raises(SightlineError, match=rf"{name}: not readable as weights") as caught:
        load_weights(build("simple_cnn"), tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_vit_refuses_the_weights_of_another_network(tmp_path):
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "resnet.safetensors")
    with pytest.raises(SightlineError, match=r"resnet\.safetensors: cls_token: missing: set `model`"):
        load_weights(build("test_vit"), tmp_path / "resnet.safetensors")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SightlineError, match=r"gone\.pth: no such weights"):
        load_weights(build("simple_cnn"), tmp_path / "gone.pth")


def test_only_what_dvc_tracks_may_be_named(workspace):
    there = workspace / "models/pretrained/photos"
    there.mkdir(parents=True)
    assert tracked_path("weights", "models/pretrained/photos") == Path("models/pretrained/photos")
    for outside in ("models/trained", "models/pretrained", "models/pretrained/../trained", str(there)):
        with pytest.raises(SightlineError, match=r"params\.yaml: weights: .* is not inside models/pretrained/"):
            tracked_path("weights", outside)
    with pytest.raises(SightlineError, match=r"distill\.teacher: models/pretrained/gone does not exist"):
        tracked_path("distill.teacher", "models/pretrained/gone")
