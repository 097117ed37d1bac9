"""Python runs this at its start when this folder is on PYTHONPATH: note which files a stage reads."""

import os
import sys
from pathlib import Path

ROOT, SCRIPT = Path.cwd(), sys.orig_argv[-1]


def note(event, arguments):
    if event != "open" or not isinstance(arguments[0], str) or arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return
    path = Path(os.path.abspath(arguments[0]))  # noqa: PTH100 - resolve() would open files itself
    if path.is_relative_to(ROOT):
        os.write(LOG, f"{Path(SCRIPT).stem}\t{path.relative_to(ROOT).as_posix()}\n".encode())


if SCRIPT.startswith("stages/"):
    LOG = os.open(os.environ["READS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    sys.addaudithook(note)
