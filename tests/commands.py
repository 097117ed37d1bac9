"""A command of stages/ in the tests' own process, which saves the imports of one."""

import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest

from sightline.common.errors import SightlineError
from sightline.common.params import load_params


def call(main, params, *options):
    """Run a command in the current folder; return its exit status, and what it printed or the error's line."""
    printed = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(sys, "argv", ["command", *options])
        try:
            main(load_params(params))
        except SightlineError as error:
            return 1, f"{error}\n"
        except SystemExit as end:
            return end.code, printed.getvalue()
    return 0, printed.getvalue()
