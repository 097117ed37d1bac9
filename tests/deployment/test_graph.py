import json
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from timm.models.nest import Nest
from torch import nn

from sightline.common.errors import SightlineError
from sightline.deployment.graph import VERSION, build_graph, describe_contract, trace_program
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration, Conformal
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.saved import Member, ModelSpec

CLASSES = ["ant", "bée", "蜂"]
CASES = {  # architectures, stored size, input size
    "own, cropped": (["simple_cnn"], 40, 32),
    "resnet, enlarged": (["test_resnet"], 48, 64),
    "vit": (["test_vit"], 64, 64),
    "two networks": (["simple_cnn", "test_resnet"], 32, 32),
}


def make_spec(stored: int, size: int, architectures: list[str]) -> ModelSpec:
    return ModelSpec(
        classes=CLASSES,
        preprocessing=Preprocessing(image_size=stored, fit="pad", resample="lanczos", background=[1, 2, 3]),
        input_size=size,
        mean=[0.5, 0.5, 0.5],
        std=[0.5, 0.5, 0.5],
        members=[Member(architecture=name, file="a.safetensors", fold=None) for name in architectures],
    )


def make_ensemble(networks: list[nn.Module], spec: ModelSpec, temperature: float) -> Decider:
    members = [Classifier(net, spec.mean, spec.std, spec.input_size) for net in networks]
    return Decider(members, Calibration(method="temperature", temperature=temperature, images=1)).eval()


def run(graph: bytes, pixels: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(graph).run(["probabilities"], {"pixels": pixels})[0]


@pytest.mark.parametrize("case", CASES)
def test_same_probabilities_as_torch(case):
    architectures, stored, size = CASES[case]
    torch.manual_seed(0)
    spec = make_spec(stored, size, architectures)
    networks = [build_network(name, len(CLASSES), size, pretrained=False) for name in architectures]
    ensemble = make_ensemble(networks, spec, temperature=0.7)
    graph = build_graph(trace_program(ensemble, spec), spec, opset=20)
    pixels = np.random.default_rng(0).integers(0, 256, (5, stored, stored, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = ensemble(torch.from_numpy(pixels)).exp().numpy()
    for batch in (pixels, pixels[:1]):
        found = run(graph, batch)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[: len(batch)], atol=1e-5)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images do differ


def test_attention_over_five_dimensions_is_written():
    """NesT attends within blocks: [N, heads, blocks, tokens, features], which torch.onnx refuses while it is fused."""
    torch.manual_seed(0)
    network = Nest(img_size=16, patch_size=4, num_levels=1, embed_dims=(8,), num_heads=(2,), depths=(1,), num_classes=3)
    nn.init.normal_(network.head.weight)
    spec = make_spec(16, 16, ["nest"])
    ensemble = make_ensemble([network], spec, temperature=1.0)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = ensemble(torch.from_numpy(pixels)).exp().numpy()
    found = run(build_graph(trace_program(ensemble, spec), spec, opset=20), pixels)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3


class MeanColor(nn.Module):
    """Logits are the mean of each channel."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


@cache
def mean_color_graph(opset: int = 20) -> bytes:
    spec = make_spec(4, 4, ["mean_color"])
    return build_graph(trace_program(make_ensemble([MeanColor()], spec, temperature=0.5), spec), spec, opset)


@pytest.mark.parametrize("opset", [18, 20, 24])
def test_probabilities_by_hand(opset):
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255  # normalised: 1, -1, -1; divided by the temperature: 2, -2, -2
    total = np.exp(2) + 2 * np.exp(-2)
    graph = mean_color_graph(opset)
    np.testing.assert_allclose(run(graph, red), [[np.exp(2) / total, *[np.exp(-2) / total] * 2]], rtol=1e-5)
    assert onnx.load_from_string(graph).opset_import[0].version == opset


def test_metadata_tells_the_contract():
    session = onnxruntime.InferenceSession(mean_color_graph())
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == CLASSES
    assert json.loads(told["preprocessing"]) == {
        "image_size": 4,
        "fit": "pad",
        "resample": "lanczos",
        "background": [1, 2, 3],
        "color": "ignore",
        "truncated": "refuse",
        "ranges": {"uint16": [0, 65535]},
        "bands": 3,
        "channels": "RGB",
        "dtype": "uint8",
        "layout": "NHWC",
        "range": [0, 255],
    }
    assert set(told) == {"classes", "preprocessing", "sightline_version"}
    (pixels,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (pixels.type, pixels.shape) == ("tensor(uint8)", ["batch", 4, 4, 3])
    assert (probabilities.type, probabilities.shape) == ("tensor(float)", ["batch", 3])


def test_metadata_tells_how_the_model_decides():
    sets = Conformal(method="lac", coverage=0.9, threshold=0.25)
    rule = Calibration(method="none", temperature=1.0, images=9, min_confidence=0.5, conformal=sets)
    told = describe_contract(make_spec(4, 4, ["mean_color"]), rule)
    assert json.loads(told["decision"]) == {
        "min_confidence": 0.5,
        "conformal": {"method": "lac", "coverage": 0.9, "threshold": 0.25},
    }


def test_bytes_repeat_and_tell_nothing_of_the_machine():
    graph = mean_color_graph()
    assert graph == mean_color_graph.__wrapped__()
    for trace in (b".py", b"site-packages", str(Path.home()).encode() + b"/", b"forward"):
        assert trace not in graph


def test_version_is_that_of_the_project():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def test_too_many_weights_for_one_file(monkeypatch):
    monkeypatch.setattr("sightline.deployment.graph.LARGEST", 10)
    with pytest.raises(SightlineError, match=r"models/trained: .* GiB of weights"):
        mean_color_graph.__wrapped__()
