"""What decides, besides a file's bytes and the parameters, which pixels and hashes it becomes."""

import hashlib
import json
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sightline.common.arithmetic import HELD

PACKAGE = Path(__file__).resolve().parent.parent
CODE = ("images/decoding/*.py", "images/duplicates.py", "preparing/shards.py")
PACKAGES = ("numpy", "scipy", "pillow", "pi-heif", "pillow-jxl-plugin", "pydicom")


@cache
def fingerprint() -> str:
    """Return a hash of the decoder's code, the packages that it uses, and the arithmetic of this process."""
    modules = [path for pattern in CODE for path in PACKAGE.glob(pattern)]
    content = {
        "code": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in modules},
        "packages": {name: _version(name) for name in PACKAGES},
        "arithmetic": {name: os.environ.get(name) for name in HELD},
        "machine": platform.machine(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
