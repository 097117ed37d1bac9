import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from sightline.deployment.graph import build_graph, trace_program
from sightline.deployment.variants import VARIANTS, TrainingImages, read_contract
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network
from sightline.networks.calibration import Calibration, IsotonicCurve
from sightline.networks.classifier import Classifier
from sightline.networks.decider import Decider
from sightline.networks.saved import Member, ModelSpec

CASES = {  # network, views, calibration
    "cnn": ("simple_cnn", "none", "none"),
    "views, isotonic": ("simple_cnn", "flip", "isotonic"),
    "vit": ("test_vit", "none", "none"),
}
STEEP = [IsotonicCurve(x=[0.4, 0.50001], y=[0.0, 1.0]), IsotonicCurve(x=[0.5], y=[0.0])]  # zeros need all digits
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=CASES)
def graph(request):
    torch.manual_seed(0)
    architecture, views, method = CASES[request.param]
    size = 32
    spec = ModelSpec(
        classes=["ant", "bee"],
        preprocessing=Preprocessing(image_size=size, fit="crop", resample="box", background=[0, 0, 0]),
        input_size=size,
        mean=[0.5] * 3,
        std=[0.5] * 3,
        members=[Member(architecture=architecture, file="a", fold=None)],
    )
    calibration = Calibration(method=method, temperature=1.0, images=0, tta=views, curves=STEEP, doubt=0.01)
    network = build_network(architecture, 2, size, pretrained=False)
    decider = Decider([Classifier(network, spec.mean, spec.std, size)], calibration).eval()
    return build_graph(trace_program(decider, spec), spec, 20)


def run(content: bytes) -> np.ndarray:
    return onnxruntime.InferenceSession(content).run(None, {"pixels": PIXELS})[0]


@pytest.mark.parametrize(("name", "most"), [("fp16", 2e-3), ("int8_dynamic", 0.02), ("int8_static", 0.1)])
def test_variants_are_smaller_near_and_keep_the_contract(graph, name, most):
    variant = VARIANTS[name](graph, TrainingImages(PIXELS, np.arange(24), 10))
    assert len(variant) < len(graph)
    assert np.abs(run(variant) - run(graph)).max() < most
    assert read_contract(variant) == read_contract(graph)
    assert json.loads(read_contract(variant)["classes"]) == ["ant", "bee"]
    assert VARIANTS[name](graph, TrainingImages(PIXELS, np.arange(24), 10)) == variant


def test_static_quantization_is_per_channel_qdq(graph):
    model = onnx.load_from_string(VARIANTS["int8_static"](graph, TrainingImages(PIXELS, np.arange(24), 10)))
    kinds = {node.op_type for node in model.graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    scales = [weights[node.input[1]].dims for node in model.graph.node if node.op_type == "DequantizeLinear"]
    assert any(dims and dims[0] > 1 for dims in scales)  # one scale a channel
