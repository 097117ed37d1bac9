"""The formats besides ONNX, without traces of where they were made, and what runs a file of each format."""

import io
import warnings
import zipfile
from collections.abc import Callable

import numpy as np
import torch
from torch.export import ExportedProgram

from sightline.deployment.graph import INPUT, OUTPUT, ProbabilityModel
from sightline.deployment.runtime import onnxruntime
from sightline.networks.decider import Decider

TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
CPU = torch.device("cpu")
Runner = Callable[[np.ndarray], np.ndarray]  # uint8 [n, H, W, 3] -> float32 [n, classes]


def to_pt2(decider: Decider, program: ExportedProgram) -> bytes:
    """Return torch.export's archive; `torch.export.load(path).module()` runs it."""
    for node in program.graph.nodes:
        for name in TRACES:
            node.meta.pop(name, None)
    stream = io.BytesIO()
    torch.export.save(program, stream)
    return stream.getvalue()


def to_torchscript(decider: Decider, program: ExportedProgram) -> bytes:
    """Return TorchScript; `torch.jit.load(path)` runs it, from C++ too."""
    (example,), _ = program.example_inputs
    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # torch deprecates TorchScript, as docs/deployment.md tells; the branches that it warns of follow the stored
        # size, a constant
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.jit.save(torch.jit.trace(ProbabilityModel(decider), example, check_trace=False), stream)
    return _without_debug_files(stream.getvalue())


FORMATS: dict[str, Callable[[Decider, ExportedProgram], bytes]] = {"pt2": to_pt2, "torchscript": to_torchscript}


def run_onnx(content: bytes) -> Runner:
    """Return what ONNX Runtime computes."""
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    session = onnxruntime.InferenceSession(content, options, providers=list_providers())
    return lambda pixels: session.run([OUTPUT], {INPUT: pixels})[0]


def list_providers() -> list[str | tuple[str, dict[str, str]]]:
    """Return what ONNX Runtime computes with: the processor, behind the GPU where its package is one for GPUs."""
    gpu = "CUDAExecutionProvider"
    there = gpu in onnxruntime.get_available_providers() and torch.cuda.is_available()
    return [*([(gpu, {"use_tf32": "0"})] if there else []), "CPUExecutionProvider"]


def run_decider(decider: Decider, device: torch.device) -> Runner:
    """Return what torch computes before anything is exported; `decider` is in evaluation mode, and moves to `device`.

    On a GPU it computes in full precision, as what it is compared with does.
    """
    torch.backends.cudnn.allow_tf32 = False
    return _run_torch(ProbabilityModel(decider.to(device)), device)


def run_pt2(content: bytes) -> Runner:
    """Return what torch computes from its export archive."""
    return _run_torch(torch.export.load(io.BytesIO(content)).module())


def run_torchscript(content: bytes) -> Runner:
    """Return what torch computes from TorchScript."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        return _run_torch(torch.jit.load(io.BytesIO(content)))


RUNNERS: dict[str, Callable[[bytes], Runner]] = {
    ".onnx": run_onnx,
    ".pt2": run_pt2,
    ".torchscript": run_torchscript,
}


def _without_debug_files(archive: bytes) -> bytes:
    """Drop the files that map code to the paths of its sources."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(stream, "w") as after:
        for name in before.namelist():
            if not name.endswith(".debug_pkl"):
                after.writestr(zipfile.ZipInfo(name, EPOCH), before.read(name))
    return stream.getvalue()


def _run_torch(model: Callable[[torch.Tensor], torch.Tensor], device: torch.device = CPU) -> Runner:
    @torch.no_grad()
    def run(pixels: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(pixels).to(device)).cpu().numpy()

    return run
