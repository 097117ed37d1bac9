"""Where tensors live, and how their arithmetic stays the same from run to run."""

import os

import torch

from sightline.common.square_root import replace_square_root


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


def pick_device() -> torch.device:
    """Return the first CUDA device, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
