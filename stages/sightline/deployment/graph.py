"""The model as one ONNX graph: stored pixels in, calibrated probabilities out, its contract in its metadata."""

import json
from dataclasses import asdict

import onnx
import torch
from torch import nn
from torch.export import ExportedProgram

from sightline.common.errors import SightlineError
from sightline.deployment.failures import refusing
from sightline.networks.calibration import Calibration
from sightline.networks.decider import Decider
from sightline.networks.saved import ModelSpec

VERSION = "0.1.0"  # of Sightline, as in pyproject.toml: says which contract the metadata follows
INPUT = "pixels"
OUTPUT = "probabilities"
BATCH = ({0: torch.export.Dim("batch")},)
FUSED_ATTENTION = torch.ops.aten.scaled_dot_product_attention.default
OTHER_MODEL = "evaluate and gradcam work with it as it is; to export, train another `model`"
LARGEST = 2**31 - 2**24  # bytes: a protobuf message ends at 2 GiB, and the graph needs some room besides its weights


class ProbabilityModel(nn.Module):
    """A decider that gives probabilities: uint8 pixels [N, H, W, C] in, float32 [N, classes] out."""

    def __init__(self, decider: Decider):
        super().__init__()
        self.decider = decider

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.decider(pixels).exp()


def trace_program(decider: Decider, spec: ModelSpec) -> ExportedProgram:
    """Trace a decider in evaluation mode, on the CPU, into the program that every exported format is made from.

    It takes uint8 [batch, H, W, C] of the stored size, with a dynamic batch, and gives float32 [batch, classes]. The
    decider is settled by `settle`.

    Raises
    ------
    SightlineError
        torch cannot trace this network.
    """
    size = spec.preprocessing.image_size
    example = torch.zeros(2, size, size, spec.channels, dtype=torch.uint8)  # a batch of 1 would be taken for a constant
    settle(decider)
    model = ProbabilityModel(decider).eval()
    with refusing(f"models/exported: nothing is written: torch.export cannot trace {name_networks(spec)}", OTHER_MODEL):
        program = torch.export.export(model, (example,), dynamic_shapes=BATCH)
        if any(map(is_odd_attention, program.graph.nodes)):
            unfuse_attention(decider)
            program = torch.export.export(model, (example,), dynamic_shapes=BATCH)
    return program


def settle(decider: Decider) -> None:
    """Let a decider learn no more and overwrite nothing, neither of which changes what it computes.

    The exporter traces twice. Gradients would make the second trace decompose attention in another memory layout than
    the first has seen (which MaxViT's reshapes do not survive), and each activation that works in place would be
    decomposed over symbolic shapes: together they took more than half of its time.
    """
    decider.requires_grad_(False)
    for module in decider.modules():
        if getattr(module, "inplace", False):
            module.inplace = False


def is_odd_attention(node: torch.fx.Node) -> bool:
    """Tell whether a node is torch's fused attention over other than four dimensions, which torch.onnx refuses."""
    return node.target is FUSED_ATTENTION and node.args[0].meta["val"].ndim != 4


def unfuse_attention(decider: Decider) -> None:
    """Let timm's networks compute attention as products and softmax, of which it is made; few have such blocks."""
    for module in decider.modules():
        if getattr(module, "fused_attn", False):
            module.fused_attn = False


def name_networks(spec: ModelSpec) -> str:
    """Return the members' architectures, each once."""
    return ", ".join(dict.fromkeys(member.architecture for member in spec.members))


def build_graph(program: ExportedProgram, spec: ModelSpec, opset: int, calibration: Calibration | None = None) -> bytes:
    """Write a program as ONNX, with crop or enlargement, normalisation, temperature and softmax inside.

    Parameters
    ----------
    program : ExportedProgram
        From `trace_program`.
    spec : ModelSpec
        What goes to the metadata.
    opset : int
        Version of the ONNX operator set, 18 or later.
    calibration : Calibration, optional
        Tells, for the metadata, when to abstain and what a prediction set is; the graph holds the rest already.

    Returns
    -------
    bytes
        An ONNX model, checked and with inferred shapes: `pixels` uint8 [batch, H, W, C] to `probabilities` float32
        [batch, classes]. The same weights give the same bytes.

    Raises
    ------
    SightlineError
        The weights do not fit into one ONNX file, or an operation has no counterpart in this operator set.
    """
    _refuse_too_large(program)
    failed = f"models/exported/model.onnx: not written: torch.onnx cannot write {name_networks(spec)} in opset {opset}"
    with refusing(failed, f"try another `export.opset`, or {OTHER_MODEL}"):
        exported = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=opset,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=BATCH,  # again, for the name of the dimension
            verbose=False,
        )
        model = exported.model_proto
        written = model.opset_import[0].version
        if written != opset:
            raise SightlineError(f"params.yaml: export.opset: the graph cannot be written in {opset}; use {written}")
        return finish_graph(model, describe_contract(spec, calibration))


def describe_contract(spec: ModelSpec, calibration: Calibration | None = None) -> dict[str, str]:
    """Return the metadata: what a server must know to make the input, to name the output and to decide by it."""
    channels = "RGB" if spec.channels == 3 else "L"  # as Pillow calls grey
    pixels = {"channels": channels, "dtype": "uint8", "layout": "NHWC", "range": [0, 255]}
    contract = {
        "classes": json.dumps(spec.classes, ensure_ascii=False),
        "preprocessing": json.dumps(asdict(spec.preprocessing) | pixels, sort_keys=True),
        "sightline_version": VERSION,
    }
    if calibration is not None:
        decision = calibration.model_dump(include={"min_confidence", "conformal"})
        contract["decision"] = json.dumps(decision, sort_keys=True)
    return contract


def finish_graph(model: onnx.ModelProto, contract: dict[str, str]) -> bytes:
    """Return a model's bytes with `contract` as its only metadata, after onnx's checker and strict shape inference."""
    _remove_traces(model)
    onnx.helper.set_model_props(model, contract)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _refuse_too_large(program: ExportedProgram) -> None:
    tensors = [*program.state_dict.values(), *program.constants.values()]
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    if total > LARGEST:
        raise SightlineError(
            f"models/trained: {total / 2**30:.1f} GiB of weights, but one ONNX file holds less than 2: "
            "use a smaller `model` or fewer `folds`"
        )


def _remove_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter tells about where it ran, such as paths and stack traces."""
    del model.metadata_props[:]
    graphs = [model.graph]
    for graph in graphs:
        named = [*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
        for entry in [graph, *named]:
            entry.ClearField("doc_string")
            del entry.metadata_props[:]
        graphs += [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
