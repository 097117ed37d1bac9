"""Stage scripts in copies of a process that has imported all that train needs: a start takes no 5 s of imports.

As in a process of their own, they can be killed and signalled, and what they print can be read.
"""

import multiprocessing
import os
import runpy
import threading
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

from imports import ROOT
from sightline.common.arithmetic import HELD, PREFERRED

LIMIT = 600  # s; far above what a busy machine needs
CONTEXT = multiprocessing.get_context("forkserver")
ENVIRONMENT = HELD | PREFERRED | {"PYTHONPATH": str(ROOT / "stages"), "PYTHONUNBUFFERED": "1"}


class Script:
    """A script of stages/, started in the current folder; `stdout` has what it prints, errors too, line by line."""

    def __init__(self, name):
        start_server()
        reader, writer = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=run, args=(writer, Path.cwd(), name))
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()))

    def send_signal(self, number):
        os.kill(self._process.pid, number)

    def kill(self):
        self._process.kill()
        self._process.join()

    def finish(self):
        """Return the rest of what it prints, and its exit status."""
        watch = threading.Timer(LIMIT, self._process.kill)
        watch.start()
        output = self.stdout.read()
        self._process.join()
        watch.cancel()
        return output, self._process.exitcode


def start_server():
    """Start the process that is copied, unless it runs; it ends with this one."""
    with mock.patch.dict(os.environ, ENVIRONMENT):  # which libraries read when they are loaded
        forkserver.set_forkserver_preload(["train"])
        forkserver.ensure_running()


def run(writer, folder, name):
    os.chdir(folder)
    os.dup2(writer.fileno(), 1)
    os.dup2(writer.fileno(), 2)
    writer.close()
    runpy.run_path(str(ROOT / "stages" / name), run_name="__main__")
