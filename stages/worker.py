"""Start a Dask worker that decodes for prepare: the same code and the same arithmetic as the stage.

Run    python stages/worker.py tcp://<scheduler>:8786 [options of `dask worker`]

In a clone of the same commit with the same packages, on any machine. Then `SIGHTLINE_EXECUTOR=dask:tcp://...` tells
`dvc repro prepare` where the scheduler is.
"""

import os
import sys
from pathlib import Path

from sightline.common.arithmetic import set_environment
from sightline.common.process import require


def main(arguments: list[str]) -> None:
    """Become `dask worker`.

    Raises
    ------
    SystemExit
        distributed is not installed.
    """
    require("distributed", "requirements-dask.txt")
    set_environment()
    stages = str(Path(__file__).resolve().parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [stages, os.environ.get("PYTHONPATH")]))
    os.execv(sys.executable, [sys.executable, "-m", "distributed.cli.dask_worker", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
