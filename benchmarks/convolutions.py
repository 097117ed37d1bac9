"""Which convolutions torch computes wrong in channels_last on this processor, and with its instructions cut to AVX2.

Run    python benchmarks/convolutions.py --random 200
Writes benchmarks/results/convolutions.csv    one row a shape, instruction set and number of threads: largest error of
                                              output and gradients against float64, relative to the largest value, or
                                              the signal that ended the process

Shapes are a base, changed in one way at a time, and random ones. They are computed in other processes, since what is
wrong may also crash or hang them. Linux only; minutes.
"""

import argparse
import csv
import os
import random
import resource
import signal
import subprocess
import sys
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import torch
from torch import nn

RESULT = Path(__file__).parent / "results/convolutions.csv"
SETS = {"all": {}, "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
TOLERANCE = 1e-4
TOGETHER = 10  # cases in a process, until one dies
CPU_LIMIT = 4  # seconds; what takes longer hangs, and ends by SIGXCPU


@dataclass(frozen=True)
class Shape:
    """A convolution of `images` squares of `side` pixels; `transposed`: from `channels_out` to `channels_in`."""

    kernel: int = 1
    stride: int = 2
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    channels_in: int = 3
    channels_out: int = 16
    images: int = 4
    side: int = 64
    transposed: bool = False


Case = tuple[Shape, int]  # and a number of threads
Result = tuple[list, str]  # errors of output, image gradient, weight gradient; or how the process ended
VARIED = {
    "kernel": (2, 3, 5, 7),
    "stride": (1, 3, 4),
    "padding": (1,),
    "channels_in": (1, 7, 8, 9, 12, 15, 16, 17, 20, 24, 40),
    "channels_out": (1, 33, 64),
    "images": (1, 32),
    "side": (4, 16, 63, 128, 224),
}


def main() -> None:
    options = read_options()
    if options.set:
        run_shapes(options.set, list_shapes(options.random))
        return
    RESULT.parent.mkdir(exist_ok=True)
    columns = ["set", "threads", *(field.name for field in fields(Shape)), "output", "input", "weight", "ended"]
    RESULT.write_text(",".join(columns) + "\n")
    for name, variables in SETS.items():
        command = [sys.executable, __file__, "--set", name, "--random", str(options.random)]
        subprocess.run(command, env=os.environ | variables, check=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--random", type=int, default=200, help="random shapes; default: %(default)s")
    parser.add_argument("--set", choices=SETS, help=argparse.SUPPRESS)
    return parser.parse_args()


def list_shapes(count: int) -> list[Shape]:
    """Return the base, what differs from it in one way, grouped ones, and random ones."""
    base = Shape()
    single = [replace(base, **{name: value}) for name, values in VARIED.items() for value in values]
    grouped = [replace(base, groups=groups, channels_in=channels) for groups, channels in ((2, 6), (4, 12), (8, 8))]
    grouped.append(replace(base, transposed=True))
    draws = random.Random(0)
    return [base, *single, *grouped, *(draw_shape(draws) for _ in range(count))]


def draw_shape(draws: random.Random) -> Shape:
    """Return a random shape; half of them are 1 x 1."""
    kernel = draws.choice((1, 1, 1, 2, 3, 5, 7))
    groups = draws.choice((1, 1, 1, 2, 4, 8))
    dilation = draws.choice((1, 1, 2))
    return Shape(
        kernel,
        draws.choice((1, 2, 2, 3, 4)),
        draws.choice((0, 0, dilation * (kernel // 2))),
        dilation,
        groups,
        groups * draws.choice((1, 2, 3, 4, 6, 8, 12, 15, 16, 20, 24, 33)),
        groups * draws.choice((1, 2, 3, 8, 12, 16, 24)),
        draws.choice((1, 2, 4, 8)),
        draws.choice((14, 16, 24, 32, 36, 48, 56)),
        draws.random() < 0.1,
    )


def run_shapes(name: str, shapes: list[Shape]) -> None:
    """Append a row for each shape and number of threads."""
    cases = [(shape, threads) for shape in shapes for threads in (1, 2)]
    with RESULT.open("a") as file:
        writer = csv.writer(file, lineterminator="\n")
        for start in range(0, len(cases), TOGETHER):
            part = cases[start : start + TOGETHER]
            for (shape, threads), (errors, ended) in zip(part, compute_all(part), strict=True):
                writer.writerow([name, threads, *astuple(shape), *errors, ended])
                if ended or max(errors) > TOLERANCE:
                    print(f"{name}, {threads} threads: {shape}: {ended or errors}", flush=True)
            file.flush()


def compute_all(cases: list[Case]) -> list[Result]:
    """Compute cases in one process, or, if it dies, each in its own: a damaged heap may end a later case."""
    together = compute_apart(cases)
    if len(cases) == 1 or not together[-1][1]:
        return together
    return [compute_apart([case])[0] for case in cases]


def compute_apart(cases: list[Case]) -> list[Result]:
    """Compute cases in another process; each result is its errors, or blanks and how that process ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # what malloc has to say
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, 2 * CPU_LIMIT))
        with os.fdopen(writer, "w") as stream:
            for case in cases:
                print(*measure_errors(*case), file=stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        return [([""] * 3, signal.Signals(-code).name if code < 0 else f"exit {code}")] * len(cases)
    return [([float(value) for value in line.split()], "") for line in said]


def measure_errors(shape: Shape, threads: int) -> list[float]:
    """Return the relative errors of the output and of both gradients in channels_last, against float64."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layer = build_layer(shape)
    images = torch.randn(shape.images, shape.channels_in, shape.side, shape.side)
    upstream = torch.randn_like(layer(images))
    exact = differentiate(layer.double(), images.double(), upstream.double())
    layer = layer.float().to(memory_format=torch.channels_last)
    found = differentiate(layer, *(tensor.to(memory_format=torch.channels_last) for tensor in (images, upstream)))
    pairs = zip(found, exact, strict=True)
    return [((one.double() - other).abs().max() / other.abs().max()).item() for one, other in pairs]


def build_layer(shape: Shape) -> nn.Module:
    """Return the convolution; a transposed one gives back the whole of a larger image."""
    chosen = {"stride": shape.stride, "padding": shape.padding, "dilation": shape.dilation, "groups": shape.groups}
    if shape.transposed:
        rest = {"output_padding": max(shape.stride, shape.dilation) - 1, "bias": False}
        return nn.ConvTranspose2d(shape.channels_in, shape.channels_out, shape.kernel, **chosen, **rest)
    return nn.Conv2d(shape.channels_in, shape.channels_out, shape.kernel, bias=False, **chosen)


def differentiate(
    layer: nn.Module, images: torch.Tensor, upstream: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the output, and the gradients of images and weights."""
    images = images.clone().requires_grad_()
    output = layer(images)
    return output.detach(), *torch.autograd.grad(output, (images, layer.weight), upstream)


if __name__ == "__main__":
    main()
