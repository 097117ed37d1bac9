"""A stage whose `dvc` was killed: it must not go on writing beside the next one."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # option number of prctl(2)


def end_with_dvc() -> None:
    """Ask Linux for a SIGTERM when the `dvc` that started this process dies, however it dies.

    Elsewhere, and when a stage is started by hand, this does nothing.
    """
    if sys.platform.startswith("linux") and "DVC_STAGE" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
