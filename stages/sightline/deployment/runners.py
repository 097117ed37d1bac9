"""Run an exported file on the CPU: from its bytes to a function from pixels to probabilities."""

import io
import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch

from sightline.deployment.graph import INPUT, OUTPUT, ProbabilityModel
from sightline.networks.decider import Decider

Runner = Callable[[np.ndarray], np.ndarray]  # uint8 [n, H, W, 3] -> float32 [n, classes]


def run_onnx(content: bytes) -> Runner:
    """Return what ONNX Runtime computes."""
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run([OUTPUT], {INPUT: pixels})[0]


def run_decider(decider: Decider) -> Runner:
    """Return what torch computes before anything is exported; `decider` is in evaluation mode, on the CPU."""
    return _run_torch(ProbabilityModel(decider))


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


def _run_torch(model: Callable[[torch.Tensor], torch.Tensor]) -> Runner:
    @torch.no_grad()
    def run(pixels: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(pixels)).numpy()

    return run
