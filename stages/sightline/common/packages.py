"""Packages that one command needs alone."""

import importlib.util
import sys


def require(package: str, requirements: str) -> None:
    """End the program with one line where a package is not installed, before the imports that would fail.

    Raises
    ------
    SystemExit
        `package` cannot be imported; the line names the file of requirements.
    """
    if importlib.util.find_spec(package) is None:
        sys.exit(f"{package} is not installed: pip install -r {requirements}")
