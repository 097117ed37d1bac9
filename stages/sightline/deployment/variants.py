"""Smaller graphs from the exported one: half precision, and 8-bit integers with and without calibration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from sightline.deployment.runtime import onnxruntime  # noqa: F401  before any part of it

# isort: split
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16

from sightline.deployment.graph import INPUT, finish_graph

DYNAMIC_OPS = ["MatMul", "Gemm"]  # not Conv: ConvInteger took ten times as long as fp32 on the CPU
STATIC_OPS = [  # all that keep 8 bits between two layers; LayerNormalization loses too much
    "Conv",
    "MatMul",
    "Gemm",
    "Add",
    "Mul",
    "Relu",
    "Clip",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Concat",
]
LEARNT_OPS = ("Conv", "MatMul", "Gemm")


@dataclass(frozen=True)
class TrainingImages:
    """Those that the ranges of activations are measured on, and how many of them at a time.

    Rows are int [n], n > 0, of pixels uint8 [N, H, W, 3].
    """

    pixels: np.ndarray
    rows: np.ndarray
    at_once: int


def to_fp16(graph: bytes, images: TrainingImages) -> bytes:
    """Halve the weights and compute the network in half precision; calibration, input and output keep their types."""
    model = onnx.load_from_string(graph)
    model = convert_float_to_float16(model, keep_io_types=True, node_block_list=name_calibration(model))
    _drop_repeated_casts(model)
    del model.graph.value_info[:]  # the converter notes half precision there for the nodes that keep theirs
    halved = ONNXModel(model)
    halved.topological_sort()
    return finish_graph(halved.model, read_contract(graph))


def to_int8_dynamic(graph: bytes, images: TrainingImages) -> bytes:
    """Quantize the weights of matrix products; their inputs are quantized by each batch's own range."""

    def quantize(model: onnx.ModelProto, path: Path) -> None:
        _transpose_weights(model)
        quantize_dynamic(model, path, DYNAMIC_OPS, per_channel=True)

    return _quantize(graph, quantize)


def to_int8_static(graph: bytes, images: TrainingImages) -> bytes:
    """Quantize weights, a range a channel, and activations, by their ranges on training images, in QDQ form.

    Source: Jacob et al., 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference".
    """

    def quantize(model: onnx.ModelProto, path: Path) -> None:
        quantize_static(
            model,
            path,
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=STATIC_OPS,
            nodes_to_exclude=name_calibration(model),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )

    return _quantize(graph, quantize)


def name_calibration(model: onnx.ModelProto) -> list[str]:
    """Return the nodes behind the last with weights: small probabilities need all digits there."""
    places = [place for place, node in enumerate(model.graph.node) if node.op_type in LEARNT_OPS]
    return [node.name for node in model.graph.node][max(places, default=-1) + 1 :]


def read_contract(graph: bytes) -> dict[str, str]:
    """Return a graph's metadata."""
    return {entry.key: entry.value for entry in onnx.load_from_string(graph).metadata_props}


VARIANTS: dict[str, Callable[[bytes, TrainingImages], bytes]] = {
    "fp16": to_fp16,
    "int8_dynamic": to_int8_dynamic,
    "int8_static": to_int8_static,
}


class _Reader(CalibrationDataReader):
    def __init__(self, images: TrainingImages):
        self._batches = _feeds(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


def _feeds(images: TrainingImages) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(images.rows), images.at_once):
        rows = images.rows[start : start + images.at_once]
        yield {INPUT: np.ascontiguousarray(images.pixels[rows])}


def _drop_repeated_casts(model: onnx.ModelProto) -> None:
    """Keep one of the equal casts that the converter makes for each node that reads a result."""
    seen = set()
    for node in list(model.graph.node):
        if node.output[0] in seen and node.op_type == "Cast":
            model.graph.node.remove(node)
        seen.update(node.output)


def _transpose_weights(model: onnx.ModelProto) -> None:
    """Let Gemm nodes read their weights as they lie.

    The quantizer transposes a weight once for each node that reads it, which spoils those that several views share.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        transposed = [attribute for attribute in node.attribute if attribute.name == "transB" and attribute.i]
        if node.op_type != "Gemm" or not transposed or node.input[1] not in weights:
            continue
        name = f"{node.input[1]}_transposed"
        if name not in weights:
            turned = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights[node.input[1]]).T.copy(), name)
            weights[name] = turned
            model.graph.initializer.append(turned)
        node.input[1] = name
        transposed[0].i = 0
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name not in used]:
        model.graph.initializer.remove(tensor)


def _quantize(graph: bytes, quantize: Callable[[onnx.ModelProto, Path], None]) -> bytes:
    model = onnx.load_from_string(graph)
    del model.graph.value_info[:]  # inferred again: the quantizer transposes weights whose shapes stand there
    # what the quantizer asks for: the exporter has inferred shapes and folded constants already
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "quantized.onnx"
        quantize(model, path)
        return finish_graph(onnx.load(path), read_contract(graph))
