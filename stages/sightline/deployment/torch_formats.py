"""The model for programs that have torch: torch.export's archive and TorchScript, without traces of where they ran."""

import io
import warnings
import zipfile
from collections.abc import Callable

import torch
from torch.export import ExportedProgram

from sightline.deployment.graph import ProbabilityModel
from sightline.networks.decider import Decider

TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


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
        # torch deprecates TorchScript, which README tells; the branches it warns of follow the stored size, a constant
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.jit.save(torch.jit.trace(ProbabilityModel(decider), example, check_trace=False), stream)
    return _without_debug_files(stream.getvalue())


FORMATS: dict[str, Callable[[Decider, ExportedProgram], bytes]] = {"pt2": to_pt2, "torchscript": to_torchscript}


def _without_debug_files(archive: bytes) -> bytes:
    """Drop the files that map code to the paths of its sources."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(stream, "w") as after:
        for name in before.namelist():
            if not name.endswith(".debug_pkl"):
                after.writestr(zipfile.ZipInfo(name, EPOCH), before.read(name))
    return stream.getvalue()
