"""One case of benchmarks/inference.py in a process of its own: model, threads, batch, seconds, and what to measure.

``time`` prints the seconds of each call, runtime by runtime; a runtime's name prints its peak memory. Linux only.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WINDOW = 0.2  # s that a runtime runs before the next one has its turn
CALIBRATION = 64  # images of noise for the ranges of int8
CLASSES = 10
Step = Callable[[np.ndarray], object]


@dataclass(frozen=True)
class Model:
    """What is measured: a network, the side of its images in px, a key of `VIEWS`, and how many decide together."""

    name: str
    side: int
    tta: str
    members: int


def main() -> None:
    model, threads, batch, seconds, measured = sys.argv[1:]
    side = parse_model(model).side
    pixels = np.random.default_rng(0).integers(0, 256, (int(batch), side, side, 3), dtype=np.uint8)
    if measured == "time":
        steps = {name: make(model, int(threads)) for name, make in RUNTIMES.items()}
        print(json.dumps(take_turns(steps, pixels, float(seconds))))
    else:
        exported_files(model)  # made before, so that only running counts
        step = RUNTIMES[measured](model, int(threads))
        for _ in range(3):
            step(pixels)
        print(json.dumps({"memory_mib": peak_memory()}))


def parse_model(model: str) -> Model:
    """Return the fields of name:side[:tta[:members]]."""
    name, side, *more = model.split(":")
    tta, members = [*more, *("none", "1")[len(more) :]]
    return Model(name, int(side), tta, int(members))


def take_turns(steps: dict[str, Step], pixels: np.ndarray, seconds: float) -> dict[str, list[float]]:
    """Return the seconds of every call but the first three of each runtime."""
    times = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(3):
            step(pixels)
    while min(sum(calls) for calls in times.values()) < seconds:
        for name, step in steps.items():
            end = time.perf_counter() + WINDOW
            while time.perf_counter() < end:
                start = time.perf_counter()
                step(pixels)
                times[name].append(time.perf_counter() - start)
    return times


def peak_memory() -> int:
    """Return this process's peak in MiB; getrusage would start from that of the process that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return round(int(status["VmHWM"].split()[0]) / 1024)


def run_torch(model: str, threads: int) -> Step:
    """Return torch eager, in inference mode."""
    import torch

    torch.set_num_threads(threads)
    decider, _ = build_model(model)

    @torch.inference_mode()
    def step(pixels: np.ndarray) -> torch.Tensor:
        return decider(torch.from_numpy(pixels)).exp()

    return step


def run_onnx(model: str, threads: int, name: str) -> Step:
    """Return ONNX Runtime with one of the exported files."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(exported_files(model) / name, options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"pixels": pixels})


RUNTIMES: dict[str, Callable[[str, int], Step]] = {
    "torch": run_torch,
    "onnxruntime fp32": lambda model, threads: run_onnx(model, threads, "fp32.onnx"),
    "onnxruntime int8": lambda model, threads: run_onnx(model, threads, "int8.onnx"),
}


def exported_files(model: str) -> Path:
    """Return a folder with fp32.onnx and int8.onnx; they are made once, by a process of their own."""
    key = hashlib.sha256(f"{model} {sys.executable}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"sightline_inference_{key}"
    if not (folder / "int8.onnx").exists():
        subprocess.run(
            [sys.executable, __file__, "--export", model, str(folder)], check=True, stdout=subprocess.DEVNULL
        )
    return folder


def export(model: str, folder: Path) -> None:
    from sightline.deployment.graph import build_graph, trace_program
    from sightline.deployment.variants import TrainingImages, to_int8_static

    decider, spec = build_model(model)
    side = spec.preprocessing.image_size
    pixels = np.random.default_rng(1).integers(0, 256, (CALIBRATION, side, side, 3), dtype=np.uint8)
    graph = build_graph(trace_program(decider, spec), spec, opset=20)
    folder.mkdir(exist_ok=True)
    (folder / "fp32.onnx").write_bytes(graph)
    (folder / "int8.onnx").write_bytes(to_int8_static(graph, TrainingImages(pixels, np.arange(CALIBRATION), 32)))


def build_model(model: str):
    """Return networks with random weights as the pipeline would decide with them, and their description."""
    import torch

    from sightline.images.decoding.preprocessing import Preprocessing
    from sightline.networks.architectures.build import build_network
    from sightline.networks.calibration import Calibration
    from sightline.networks.classifier import Classifier
    from sightline.networks.decider import Decider
    from sightline.networks.saved import Member, ModelSpec

    described = parse_model(model)
    torch.manual_seed(0)
    spec = ModelSpec(
        classes=[str(code) for code in range(CLASSES)],
        preprocessing=Preprocessing(image_size=described.side, fit="crop", resample="bilinear", background=[0, 0, 0]),
        input_size=described.side,
        mean=[0.5] * 3,
        std=[0.25] * 3,
        members=[Member(architecture=described.name, file="none", fold=None)] * described.members,
    )
    networks = [build_network(described.name, CLASSES, described.side, pretrained=False) for _ in spec.members]
    classifiers = [Classifier(network, spec.mean, spec.std, spec.input_size) for network in networks]
    calibration = Calibration(method="none", temperature=1.0, images=0, tta=described.tta)
    return Decider(classifiers, calibration).eval(), spec


if __name__ == "__main__":
    if sys.argv[1] == "--export":
        export(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
