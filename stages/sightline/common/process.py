"""The process of a stage: the packages it needs, the allocator's settings, and an end when `dvc` ends."""

import ctypes
import importlib.util
import os
import signal
import sys

M_TRIM_THRESHOLD = -1  # option numbers of mallopt(3)
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
KEEP_UP_TO = 1 << 30  # bytes
PR_SET_PDEATHSIG = 1  # option number of prctl(2)


def require(package: str, requirements: str) -> None:
    """End the program with one line where a package is not installed, before the imports that would fail.

    Raises
    ------
    SystemExit
        `package` cannot be imported; the line names the file of requirements.
    """
    if importlib.util.find_spec(package) is None:
        sys.exit(f"{package} is not installed: pip install -r {requirements}")


def keep_freed_memory() -> None:
    """Stop glibc from handing each large tensor's pages back to the kernel, only to ask for them again.

    On other systems and C libraries this does nothing.
    """
    _set_allocator({M_MMAP_THRESHOLD: KEEP_UP_TO, M_TRIM_THRESHOLD: KEEP_UP_TO})


def share_freed_memory() -> None:
    """Let a thread take what another freed: each has a heap of its own in glibc, which keeps its largest image.

    It must come before threads start; on other systems and C libraries it does nothing.
    """
    _set_allocator({M_ARENA_MAX: 1})


def _set_allocator(options: dict[int, int]) -> None:
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in options.items():
            mallopt(option, value)


def end_with_dvc() -> None:
    """Ask Linux for a SIGTERM when the `dvc` that started this process dies, however it dies.

    Elsewhere, and when a stage is started by hand, this does nothing.
    """
    if sys.platform.startswith("linux") and "DVC_STAGE" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
