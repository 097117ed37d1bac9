"""How long the exported file takes for one image on this machine: measured once a file, and kept outside of Git."""

import json
import platform
import time
from pathlib import Path
from statistics import median

import numpy as np

from sightline.common.files import write_json
from sightline.sweeping.journal import FOLDER

LATENCIES = FOLDER / "latency.json"
ROUNDS = 5  # of which the fastest counts, since other work on the machine only adds time
RUNS = 7  # of a round, whose median counts
WARM = 3  # runs that are not timed
CPUINFO = Path("/proc/cpuinfo")


class Clock:
    """Times exported models, and remembers what it found for a file on this processor.

    Parameters
    ----------
    root : Path
        Root of the repository.
    """

    def __init__(self, root: Path):
        self._path = root / LATENCIES
        self.machine = describe_machine()
        self._known = self._read()

    def measure(self, content: bytes, sha256: str) -> float:
        """Return milliseconds for one image, one thread."""
        key = f"{sha256} {self.machine}"
        if key not in self._known:
            self._known[key] = round(time_model(content), 3)
            write_json(self._path, self._known)
        return self._known[key]

    def _read(self) -> dict[str, float]:
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # what is damaged is measured again
            return {}


def time_model(content: bytes) -> float:
    """Return the milliseconds that ONNX Runtime takes for one image with one thread, the fastest of five medians."""
    from sightline.deployment.runtime import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    images = {entry.name: np.full([1, *entry.shape[1:]], 128, dtype=np.uint8)}
    for _ in range(WARM):
        session.run(None, images)
    return 1000 * min(median(_time(session, images) for _ in range(RUNS)) for _ in range(ROUNDS))


def describe_machine() -> str:
    """Return the processor's name."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _time(session, images: dict[str, np.ndarray]) -> float:
    begin = time.perf_counter()
    session.run(None, images)
    return time.perf_counter() - begin
