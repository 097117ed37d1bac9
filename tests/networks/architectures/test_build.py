import os
import subprocess
import sys

import pytest
import timm
import torch
from safetensors.torch import save_file

from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.networks.architectures.build import OWN_NETWORKS, build_network, is_own, network_normalization
from sightline.networks.architectures.own.cnn import SimpleCNN
from sightline.networks.architectures.own.size import read_size
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.parameters.network import NetworkSection


def test_simple_cnn_is_three_convolutions_and_a_linear_layer():
    network = SimpleCNN(10, 0.0)
    convolutions = 3 * 32 * 9 + 32 * 64 * 9 + 64 * 128 * 9
    assert sum(p.numel() for p in network.parameters()) == convolutions + 2 * (32 + 64 + 128) + 128 * 10 + 10
    images = torch.rand(2, 3, 32, 32)
    assert network.forward_features(images).shape == (2, 128, 4, 4)
    assert network(images).shape == (2, 10)


@pytest.mark.parametrize("name", [*OWN_NETWORKS, "test_resnet", "test_vit", "resnet10t.c3_in1k"])
def test_a_name_becomes_a_network(name):
    assert build_network(name, 7, 64, pretrained=False).eval()(torch.rand(1, 3, 64, 64)).shape == (1, 7)


@pytest.mark.parametrize(
    ("name", "size", "pretrained", "message"),
    [
        ("resnet81", 32, False, "no network is called 'resnet81': did you mean"),
        ("zzzzzz", 32, False, "see timm.list_models"),
        ("simple_cnn", 32, True, "simple_cnn has no published weights"),
        ("test_vit", 33, False, "input_size: test_vit cannot take 33 px"),
        ("simple_cnn", 4, False, "input_size: simple_cnn cannot take 4 px"),
    ],
)
def test_what_cannot_be_built_is_one_line(name, size, pretrained, message):
    with pytest.raises(SightlineError, match=message) as caught:
        build_network(name, 3, size, pretrained)
    assert "\n" not in str(caught.value)


def test_a_network_that_knows_no_dropout_is_built_without_and_refuses_a_rate(monkeypatch):
    """As timm's gemma4_vit does, which has 167 million parameters."""
    create = timm.create_model

    def create_strict(name, **options):
        if "drop_rate" in options:
            raise TypeError("Encoder.__init__() got an unexpected keyword argument 'drop_rate'")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", create_strict)
    assert build_network("test_resnet", 3, 32, False).eval()(torch.rand(1, 3, 32, 32)).shape == (1, 3)
    with pytest.raises(SightlineError, match=r"drop_rate: test_resnet has no dropout before its head; set it to 0\.0"):
        build_network("test_resnet", 3, 32, False, rates=(0.1, 0.0))


def test_an_encoder_without_logits_is_refused(monkeypatch):
    monkeypatch.setattr(timm, "create_model", lambda name, **options: torch.nn.Conv2d(3, 3, 1))
    with pytest.raises(SightlineError, match="model: test_resnet gives an image no logits of classes: take another"):
        build_network("test_resnet", 3, 32, False)


def build_pretrained(cache):
    """Build test_resnet with weights from a Hugging Face cache, without a network, in a process of its own."""
    code = "from sightline.networks.architectures.build import build_network\n"
    code += "print(float(build_network('test_resnet.r160_in1k', 3, 64, True).conv1[0].weight.sum()))"
    offline = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT / "stages")}
    return subprocess.run([sys.executable, "-c", code], env=offline, capture_output=True, text=True, check=False)


def test_weights_that_cannot_be_fetched_name_the_way_out(tmp_path):
    done = build_pretrained(tmp_path)
    message = done.stderr.strip().splitlines()[-1]
    assert "params.yaml: pretrained: the weights of test_resnet.r160_in1k cannot be fetched" in message
    assert "pretrained: false" in message


def test_published_weights_come_from_the_local_cache(tmp_path):
    network = timm.create_model("test_resnet", num_classes=1000)
    with torch.no_grad():
        network.conv1[0].weight.fill_(0.25)
    repository = tmp_path / "models--timm--test_resnet.r160_in1k"
    (repository / "snapshots/0").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("0")
    save_file(network.state_dict(), repository / "snapshots/0/model.safetensors")
    assert float(build_pretrained(tmp_path).stdout) == 0.25 * network.conv1[0].weight.numel()


def test_timm_brings_its_normalization_and_own_networks_none():
    assert network_normalization("resnet18.a1_in1k")[0] == [0.485, 0.456, 0.406]
    with pytest.raises(SightlineError, match="normalization: simple_cnn brings none"):
        network_normalization("simple_cnn")


def test_scaling_crops_the_centre_and_enlarges():
    pixels = torch.arange(6 * 6).reshape(1, 6, 6, 1).expand(1, 6, 6, 3).to(torch.uint8)
    cropped = Classifier(torch.nn.Identity(), [0.0] * 3, [1.0] * 3, 4).scale(pixels)
    assert torch.equal(cropped[0, 0] * 255, pixels[0, 1:5, 1:5, 0].float())
    assert Classifier(torch.nn.Identity(), [0.0] * 3, [1.0] * 3, 12).scale(pixels).shape == (1, 3, 12, 12)


def test_normalizing_is_per_channel():
    classifier = Classifier(torch.nn.Identity(), [0.5, 0.0, 1.0], [0.5, 0.25, 2.0], 2)
    white = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    assert classifier(white)[0, :, 0, 0].tolist() == [1.0, 4.0, 0.0]


def test_an_ensemble_averages_probabilities():
    one, other = torch.tensor([[0.8, 0.2]]).log(), torch.tensor([[0.4, 0.6]]).log()
    assert mean_log_probabilities([one, other]).exp()[0].tolist() == pytest.approx([0.6, 0.4])


def test_a_size_is_read_out_of_the_name_of_own_networks_alone():
    sizes = {"cnn": ("cnn", 1, 1), "cnn_residual_w2.5_d3": ("cnn_residual", 2.5, 3), "cnn_d2": ("cnn", 1, 2)}
    assert {name: (read_size(name)[0], *read_size(name)[1]) for name in sizes} == sizes
    section = {"width": 2.5, "depth": 3}
    assert NetworkSection(**section).sized("cnn_residual") == "cnn_residual_w2.5_d3"
    assert NetworkSection(width=1.0, depth=1).sized("cnn") == "cnn"
    assert is_own("cnn_w2") and not is_own("hrnet_w18_small")
    assert type(build_network("hrnet_w18_small", 3, 64, pretrained=False)).__name__ == "HighResolutionNet"


def test_a_network_of_one_size_refuses_another():
    with pytest.raises(ValueError, match=r"^network: resnet18 comes in one size: set width: 1\.0 and depth: 1; simple"):
        NetworkSection(width=2.0, depth=1).refuse_unsized(["cnn", "resnet18"])
