"""`arithmetic: portable`: the same instructions and number of threads on every x86-64 processor with AVX2.

Libraries choose both when they are loaded, so a stage calls `hold_arithmetic` before it imports any of them.
"""

import os
import platform
import re
import sys
from pathlib import Path

THREADS = "2"  # sums depend on it; what the smallest machines have
HELD = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # torch's convolutions
    "MKL_CBWR": "COMPATIBLE",  # torch's matrix products; its AVX2 holds on Intel alone, and is AUTO on AMD
    "MKL_DYNAMIC": "FALSE",
    "MKL_NUM_THREADS": THREADS,
    "OMP_DYNAMIC": "FALSE",
    "OMP_NUM_THREADS": THREADS,
    "OPENBLAS_CORETYPE": "Haswell",  # matrix products of NumPy and SciPy
    "OPENBLAS_L2_SIZE": "512",  # kB
    "OPENBLAS_NUM_THREADS": "1",  # it takes no more than there are cores
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",  # what NumPy has beyond its baseline
}
UNSET = ("DNNL_MAX_CPU_ISA", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS", "NPY_ENABLE_CPU_FEATURES")
UNSET += ("MKL_DOMAIN_NUM_THREADS", "OMP_THREAD_LIMIT", "GOTO_NUM_THREADS", "OPENBLAS_VERBOSE")
PREFERRED = {"OMP_WAIT_POLICY": "PASSIVE"}  # waiting threads sleep, which changes no result: cores may be fewer or busy
READERS = {"numpy", "scipy", "sklearn", "torch"}
NEEDED = {"avx2", "fma"}
KEY = r"^[{\s]*[\"']?arithmetic[\"']?\s*:\s*[\"']?(\w+)"  # in block style, and in JSON of one key a line


def hold_arithmetic(path: str = "params.yaml") -> None:
    """Set the environment of this process as `arithmetic: portable` asks; do nothing for `native`, or a second time.

    Raises
    ------
    RuntimeError
        A library that reads the environment when it is loaded is loaded already.
    SystemExit
        The processor lacks AVX2.
    """
    if read_arithmetic(path) != "portable" or is_held():
        return
    loaded = sorted(READERS & sys.modules.keys())
    if loaded:
        raise RuntimeError(f"hold_arithmetic must come before the import of {', '.join(loaded)}")
    refuse_other_processors()
    set_environment()


def is_held() -> bool:
    """Tell whether this process, or what started it, was set already."""
    return all(os.environ.get(name) == value for name, value in HELD.items())


def set_environment() -> None:
    """Overrule what the user has set; on other processors than x86-64, where the names mean nothing, do nothing."""
    if platform.machine() != "x86_64":
        return
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ |= HELD
    for name, value in PREFERRED.items():
        os.environ.setdefault(name, value)


def read_arithmetic(path: str) -> str | None:
    """Return the value as it stands in the file; whatever is wrong with it is the schema's to say."""
    file = Path(path)
    match = re.search(KEY, file.read_text(), re.MULTILINE) if file.is_file() else None
    return match[1] if match else None


def refuse_other_processors() -> None:
    """End with one line where the processor has no AVX2, or the system is another than Linux on x86-64."""
    information = Path("/proc/cpuinfo")
    flags = re.search(r"^flags\s*:(.*)$", information.read_text(), re.MULTILINE) if information.is_file() else None
    missing = NEEDED - set(flags[1].split() if flags else ())
    if platform.machine() != "x86_64" or missing:
        sys.exit(
            "params.yaml: arithmetic: portable needs Linux on an x86-64 processor with AVX2 and FMA: "
            "set `arithmetic: native`"
        )
