"""Which numbers a device computes in, and what those cost that it only imitates."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.functional import conv2d

IN_HARDWARE = ("avx512_bf16", "amx_bf16")  # processors' names for multiplying bf16
# what oneDNN can be held to, by its environment variable, that has neither
WITHOUT = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")
SLOWER = 1.3  # times as long as fp32; what has bf16 took 0.7 to 1.0, what has not 1.9 to 11
REPEATS = 5


def fastest_precision(device: torch.device) -> str:
    """Return what suits the device: bf16 where it computes in it, else fp16 on GPUs and fp32 on processors.

    By what the device says it can do, not by time, so that a busy machine chooses the same.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    held = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "")).upper()
    capabilities = torch.cpu.get_capabilities()
    in_hardware = any(capabilities.get(name) for name in IN_HARDWARE) and held not in WITHOUT
    return "bf16" if in_hardware else "fp32"


def warn_of_emulation(precision: str, device: torch.device) -> str | None:
    """Return a line where bf16 was asked for and costs more than fp32, else None.

    Only a device that does not claim bf16 is measured: one that does would be accused whenever it is busy.
    """
    if precision != "bf16" or fastest_precision(device) == "bf16":
        return None
    times = times_as_long(torch.bfloat16, device)
    if times < SLOWER:
        return None
    return (
        f"precision: bf16 is emulated here: a convolution with its gradients takes {times:.1f} times as long as in "
        "fp32: set `precision: auto`"
    )


def times_as_long(dtype: torch.dtype, device: torch.device) -> float:
    """Measure a small convolution and its gradients in `dtype` against fp32: the ratio of the quickest of some tries.

    It takes 10 ms where `dtype` is computed in, 0.2 s where it is emulated, and draws no random number.
    """
    ramp = torch.linspace(-1, 1, 4 * 32 * 32 * 32, device=device)
    images = ramp.view(4, 32, 32, 32).contiguous(memory_format=torch.channels_last).requires_grad_()
    kernel = ramp[: 32 * 32 * 9].clone().view(32, 32, 3, 3).requires_grad_()

    def work(typed: bool) -> None:
        with torch.autocast(device.type, dtype=dtype, enabled=typed):
            outputs = conv2d(images, kernel, padding=1)
        torch.autograd.grad(outputs.float().square().mean(), (images, kernel))

    with _one_thread():
        return _quickest(lambda: work(True), device) / _quickest(lambda: work(False), device)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: several, of which one must wait for a core, took up to 100 times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _quickest(work: Callable[[], None], device: torch.device) -> float:
    """Return seconds: of processor time on processors, which others that compute there lengthen less."""
    on_gpu = device.type == "cuda"
    clock = time.perf_counter if on_gpu else time.thread_time
    seconds = []
    for _ in range(REPEATS + 1):
        start = clock()
        work()
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(clock() - start)
    return min(seconds[1:])  # the first one prepares kernels
