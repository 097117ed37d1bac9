"""Where tensors live, and how their arithmetic stays the same from run to run, and from machine to machine."""

import os
import sys

import torch
from torch.library import Library

_OVERRIDES: list[Library] = []  # of torch's operators; they hold as long as the object lives


def use_deterministic_algorithms(seed: int) -> None:
    """Make torch's results equal, bit for bit, between runs on one machine, and seed its global stream."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when its first handle is made
    # the same switch as use_deterministic_algorithms(True), which would import torch.compile's back end, over a second
    torch.set_deterministic_debug_mode("error")
    # filling fresh memory would only hide reads of it, and cost 6 % of a small network's training
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(seed)


def compute_alike(arithmetic: str) -> None:
    """Let torch compute as other processors do, with `portable`; the environment was set before torch was imported."""
    if arithmetic != "portable":
        return
    replace_square_root()
    if torch.cuda.is_available():
        print("arithmetic: portable holds processors; what a GPU computes is equal on GPUs of its kind alone")


def leave_out_triton() -> None:
    """Keep torch from loading Triton, its compiler for GPUs, where there is none; call it before timm comes.

    With timm comes what torch.compile is made of, which looks for Triton by importing it: 70 MB, and nothing here
    compiles. Where it finds none it does without, and tells so only when it compiles.
    """
    if not torch.cuda.is_available():
        sys.modules.setdefault("triton", None)  # Python's own way to say that a module is not there


def pick_device() -> torch.device:
    """Return the first CUDA device, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def replace_square_root() -> None:
    """Let torch compute square roots on processors the same way everywhere; a second call changes nothing.

    torch takes those of MKL's vector functions, which begin with the processor's approximation of 1/sqrt(x). It differs
    between makers and is no matter of instruction sets, so that optimizers would differ in their first update. torch's
    own rsqrt and reciprocal are made of correctly rounded instructions.
    """
    if _OVERRIDES:
        return
    library = Library("aten", "IMPL")
    for name, function in (("sqrt", square_root), ("sqrt_", square_root_in_place), ("sqrt.out", square_root_into)):
        library.impl(name, function, "CPU", allow_override=True)
    _OVERRIDES.append(library)


def square_root(values: torch.Tensor) -> torch.Tensor:
    """Return 1 / (1 / sqrt(x)): rounded three times, exact for 0 and infinity."""
    return torch.rsqrt(values).reciprocal_()


def square_root_in_place(values: torch.Tensor) -> torch.Tensor:
    """Replace values by their square roots."""
    return values.rsqrt_().reciprocal_()


def square_root_into(values: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """Write the square roots into `out`."""
    return torch.rsqrt(values, out=out).reciprocal_()
