"""`SIGHTLINE_EXECUTOR`: what decodes, which changes no byte of the result."""

import os
from contextlib import AbstractContextManager

from sightline.common.errors import SightlineError
from sightline.preparing.executing.ahead import Executor
from sightline.preparing.executing.local import open_processes, open_threads

VARIABLE = "SIGHTLINE_EXECUTOR"  # of the environment: in params.yaml it would make results stale that it cannot change
USUAL = "threads"
LOCAL = {"threads": open_threads, "processes": open_processes}


def open_executor(setting: str | None = None) -> AbstractContextManager[Executor]:
    """Open what a setting names, that of the environment where none is given.

    Parameters
    ----------
    setting : str, optional
        ``threads``, ``processes`` or ``dask:<address>``.

    Raises
    ------
    SightlineError
        It names none of these, or a cluster that cannot be reached.
    """
    setting = setting or os.environ.get(VARIABLE) or USUAL
    kind, _, address = setting.partition(":")
    if kind == "dask" and address:
        from sightline.preparing.executing.cluster import open_cluster  # distributed, for this setting alone

        return open_cluster(address)
    if setting not in LOCAL:
        raise SightlineError(
            f"{VARIABLE}: must be threads, processes or dask:<address>, such as dask:tcp://127.0.0.1:8786 "
            f"(got {setting!r})"
        )
    return LOCAL[setting]()
