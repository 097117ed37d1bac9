from functools import partial

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from test_graph import make_ensemble, make_spec, run
from timm.models.maxxvit import AttentionCl, RelPosMlp
from torch import nn

from sightline.common.errors import SightlineError
from sightline.deployment.artifacts import Artifacts, make_artifacts, open_runners
from sightline.deployment.failures import reason_of
from sightline.deployment.graph import build_graph, settle, trace_program

SIDE = 8


class Windows(nn.Module):
    """MaxViT's attention within quarters of the image, whose heads one reshape puts side by side."""

    def __init__(self):
        super().__init__()
        position = partial(RelPosMlp, window_size=(4, 4), hidden_dim=8)
        self.enter = nn.Linear(3, 64)
        self.attention = AttentionCl(64, dim_head=32, head_first=True, rel_pos_cls=position)
        self.head = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(64, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        windows = images.unflatten(3, (2, 4)).unflatten(2, (2, 4)).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, 4, 3)
        patches = self.attention(self.enter(windows))
        return self.head(patches.reshape(images.shape[0], -1, 64).mean(dim=1))


class Undecided(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3)) if images.sum() > 0 else images.amax(dim=(2, 3))


class Unwritten(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.linalg.qr(images)[0].mean(dim=(2, 3))


def export(network: nn.Module) -> bytes:
    spec = make_spec(SIDE, SIDE, ["odd_network"])
    return build_graph(trace_program(make_ensemble([network], spec, temperature=1.0), spec), spec, opset=20)


def test_attention_with_gradients_is_exported():
    torch.manual_seed(0)
    network = Windows()
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    spec = make_spec(SIDE, SIDE, ["odd_network"])
    with torch.no_grad():
        expected = make_ensemble([network], spec, temperature=1.0)(torch.from_numpy(pixels)).exp()
    np.testing.assert_allclose(run(export(network), pixels), expected, atol=1e-5)


def test_settled_networks_learn_no_more_and_overwrite_nothing():
    network = Windows()
    settle(network)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.head[0].inplace


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            Undecided(),
            "models/exported: nothing is written: torch.export cannot trace odd_network: GuardOnDataDependent",
        ),
        (
            Unwritten(),
            "models/exported/model.onnx: not written: torch.onnx cannot write odd_network in opset 20: DispatchError",
        ),
    ],
)
def test_failures_of_the_exporter_end_in_one_line(network, message):
    with pytest.raises(SightlineError) as caught:
        export(network)
    told = str(caught.value)
    assert told.startswith(message)
    assert told.endswith("evaluate and gradcam work with it as it is; to export, train another `model`")
    assert "\n" not in told


def test_a_format_that_cannot_be_made_is_left_out(monkeypatch):
    def fail(*_given):
        raise RuntimeError("no such thing:\n  a trace") from ValueError("cannot view\nmore")

    monkeypatch.setattr("sightline.deployment.artifacts.FORMATS", {"pt2": fail})
    monkeypatch.setattr("sightline.deployment.artifacts.VARIANTS", {"fp16": fail})
    made = make_artifacts(b"graph", None, None, ["pt2"], ["fp16"], None)
    assert made.files() == {"model.onnx": b"graph"}
    reason = "left out: cannot be made of this network: ValueError: cannot view"
    assert made.notes == {"model.pt2": reason, "model_fp16.onnx": reason}


def seven_values() -> bytes:
    """Return a model that loads, and that fails unless its input has seven values."""
    node = helper.make_node("Reshape", ["pixels", "shape"], ["probabilities"])
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.UINT8, [7])
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [7])
    graph = helper.make_graph([node], "seven", [pixels], [probabilities], [shape])
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString()


def test_a_file_that_loads_and_does_not_run_is_left_out_or_refused():
    pixels = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    reason = "models/exported/{}: not written: its run-time cannot run it: Fail: [ONNXRuntimeError]"
    lossy = Artifacts({}, {"model_fp16.onnx": seven_values()}, {})
    assert open_runners(lossy, pixels) == {}
    assert lossy.notes["model_fp16.onnx"].startswith("left out: " + reason.format("model_fp16.onnx"))
    with pytest.raises(SightlineError) as caught:
        open_runners(Artifacts({"model.onnx": seven_values()}, {}, {}), pixels)
    assert str(caught.value).startswith(reason.format("model.onnx"))


def test_the_reason_is_the_first_line_of_the_first_error():
    assert reason_of(KeyError("key")) == "KeyError: 'key'"
    assert reason_of(ValueError()) == "ValueError: no message"
