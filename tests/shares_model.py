"""A tiny model whose answers are plain to see, as export would write it: for the tests of predict and the service."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ["red", "grün", "blue"]
SIDE = 4  # px
PREPROCESSING = {"image_size": SIDE, "fit": "stretch", "resample": "box", "background": [255, 255, 255]}
CONFORMAL = {"method": "lac", "coverage": 0.95, "threshold": 0.85}  # sets of classes of 0.15 or more


def write_shares_model(path: str | Path, decision: dict | None = None, classes: list[str] = CLASSES) -> Path:
    """Write a graph whose probability of each class is the share of its channel in a 4 x 4 image."""
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])
    found = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["levels", "sides"], ["sums"], keepdims=0),
        helper.make_node("ReduceSum", ["sums", "channels"], ["all"], keepdims=1),
        helper.make_node("Div", ["sums", "all"], ["probabilities"]),
    ]
    axes = [numpy_helper.from_array(np.array(v), n) for n, v in (("sides", [1, 2]), ("channels", [1]))]
    graph = helper.make_graph(nodes, "shares", [pixels], [found], axes)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    told = {"classes": json.dumps(classes), "preprocessing": json.dumps(PREPROCESSING)}
    helper.set_model_props(made, told | ({"decision": json.dumps(decision)} if decision else {}))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(made, path)
    return Path(path)
