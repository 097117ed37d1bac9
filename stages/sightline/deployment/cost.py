"""What one prediction costs, counted instead of timed, so that it is the same on every machine."""

import math
import zlib

import numpy as np
import onnx
import torch
from torch.utils.flop_counter import FlopCounterMode

from sightline.networks.decider import Decider


def count_costs(decider: Decider, image_size: int, graph: bytes) -> dict[str, int]:
    """Count parameters, operations and memory of one image of side `image_size`.

    Returns
    -------
    dict
        parameters: trained numbers of all members. flops: of convolutions and matrix products, a multiplication and an
        addition counting as two; macs: half of them. peak_activation_bytes: see `peak_activation_bytes`, left out where
        a shape depends on the image.
    """
    flops = count_flops(decider, image_size)
    costs = {"parameters": count_parameters(decider), "flops": flops, "macs": flops // 2}
    peak = peak_activation_bytes(graph)
    return costs if peak is None else costs | {"peak_activation_bytes": peak}


def count_parameters(decider: Decider) -> int:
    """Count the trained numbers of all members."""
    return sum(parameter.numel() for parameter in decider.parameters())


@torch.no_grad()
def count_flops(decider: Decider, image_size: int) -> int:
    """Count the floating point operations of torch's convolutions, matrix products and attention for one image."""
    with FlopCounterMode(display=False) as counter:
        decider(torch.zeros(1, image_size, image_size, decider.channels, dtype=torch.uint8))
    return counter.get_total_flops()


def count_compressed(content: bytes) -> int:
    """Return the bytes that a file takes in a zip: where pruning shows."""
    return len(zlib.compress(content, 6))


def peak_activation_bytes(graph: bytes) -> int | None:
    """Return the most bytes of intermediate results that are needed at one moment, for a batch of one image.

    Each result lives from the node that makes it to the last that reads it; weights do not count, and no node works in
    place, so a run-time may need less.
    """
    model = _with_batch_of_one(onnx.load_from_string(graph))
    values = [*model.graph.input, *model.graph.value_info, *model.graph.output]
    sizes = {value.name: _bytes_of(value.type.tensor_type) for value in values}
    weights = {tensor.name for tensor in model.graph.initializer}
    last = {name: place for place, node in enumerate(model.graph.node) for name in node.input}
    alive = {value.name for value in model.graph.input}
    peak = 0
    for place, node in enumerate(model.graph.node):
        alive |= {name for name in node.output if name and name not in weights}
        if any(sizes.get(name) is None for name in alive):
            return None
        peak = max(peak, sum(sizes[name] for name in alive))
        alive = {name for name in alive if last.get(name, -1) > place}
    return peak


def _with_batch_of_one(model: onnx.ModelProto) -> onnx.ModelProto:
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def _bytes_of(kind: onnx.TypeProto.Tensor) -> int | None:
    if any(not dimension.HasField("dim_value") for dimension in kind.shape.dim):
        return None
    item = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).itemsize
    return item * math.prod(dimension.dim_value for dimension in kind.shape.dim)
