"""How a stage script starts and how it ends."""

import errno
import faulthandler
import sys
from collections.abc import Callable

from sightline.common.errors import SightlineError
from sightline.common.params import Schema, load_params

DISK_ERRORS = {
    errno.ENOSPC: "the disk is full: free some space and run `dvc repro` again",
    errno.EDQUOT: "the disk quota is used up: free some space and run `dvc repro` again",
    errno.EACCES: "permission denied: check who owns the file and its folder",
    errno.EPERM: "not permitted: check who owns the file and its folder",
    errno.EEXIST: "a file lies where a folder is to be: move it away",
    errno.ENOTDIR: "a file lies where a folder is to be: move it away",
    errno.EROFS: "the file system is read-only: move the repository to a writable disk",
}


def run_stage(main: Callable[[Schema], None], schema: type[Schema]) -> None:
    """Read the parameters and run `main`; what the user can mend ends in one line and exit status 1.

    Anything else keeps its traceback; also what kills the process inside a library tells where it was called.
    """
    if not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__)  # DVC tells no more of a SIGSEGV than an exit status
    sys.stdout.reconfigure(line_buffering=True)  # a log file shows an epoch when it is over
    try:
        main(load_params(schema))
    except SightlineError as error:
        sys.exit(str(error))
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        sys.exit(f"{error.filename or 'output'}: {DISK_ERRORS[error.errno]}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
