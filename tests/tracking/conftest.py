import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from sightline.common.files import write_text
from sightline.tracking.histograms import Spread
from sightline.tracking.record import MemberRecord, Record


def save_graph(path):
    """Write a graph like an exported one: the mean of each channel of uint8 pixels [batch, 4, 4, 3]."""
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", 4, 4, 3])
    means = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "axes"], ["probabilities"], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "means", [pixels], [means], [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def record(tmp_path):
    """Return a function that makes a run of so many members."""
    exported = tmp_path / "exported"
    exported.mkdir()
    save_graph(exported / "model.onnx")
    write_text(exported / "MODEL_CARD.md", "# A card\n")
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tmp_path / "picture.png")
    epochs = {0: {"train/loss": 2.0, "val/accuracy": 0.25}, 1: {"train/loss": 1.0, "val/accuracy": 0.75}}
    spreads = [Spread("weights_best/head.weight", np.float32([0.0, 0.25, 1.0]))]

    def make(members=1, accuracy=0.5):
        names = [f"fold_{number}" for number in range(members)] if members > 1 else [""]
        return Record(
            name="slower",
            revision="slower",
            params={"lr": 0.1, "model": "simple_cnn", "export.formats": ["pt2"]},
            results={"evaluate/test.accuracy": accuracy},
            members=[MemberRecord(name, epochs, spreads) for name in names],
            pictures={"evaluate/confusion": (tmp_path / "picture.png").read_bytes()},
            exported=exported,
        )

    return make
