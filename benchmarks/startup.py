"""From process start to the first optimizer step, and where the imports before it take their time.

`python benchmarks/startup.py SCRIPT ARGUMENT...` runs SCRIPT until its first step and prints clock and memory.
"""

import runpy
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from windows import memory

WORTH_NAMING = 0.01  # seconds


@dataclass(frozen=True)
class Start:
    """From a script's start to its optimizer's first step, and what memory it took till then."""

    seconds: float
    peak: float  # MiB
    mapped: float  # MiB of `peak` that are stored arrays


def time_start(command: list[str], folder: Path) -> Start:
    """Run a training script in a folder until its first step."""
    start = time.monotonic()
    clock, peak, mapped = map(float, run_to_first_step([], command, folder).stdout.split()[-3:])
    return Start(clock - start, peak, mapped)


def import_times(command: list[str], folder: Path) -> dict[str, float]:
    """Return seconds for each package that Sightline's own modules import before the first step, the slowest first.

    Measuring makes imports slower; the shares are what matters.
    """
    seconds = attribute_imports(run_to_first_step(["-X", "importtime"], command, folder).stderr)
    slowest = sorted(seconds, key=seconds.get, reverse=True)
    return {name: seconds[name] for name in slowest if seconds[name] >= WORTH_NAMING}


def attribute_imports(log: str) -> dict[str, float]:
    """Return seconds for each package, all that it imports in its turn included, from Python's `-X importtime`.

    What several packages need counts for the first of them.
    """
    seconds: dict[str, float] = {}
    above: list[str] = []
    for line in reversed(log.splitlines()):  # an importer comes after what it imports, less indented
        if not line.startswith("import time:") or line.endswith("imported package"):
            continue
        _, microseconds, indented = line.split("|")
        name = indented.strip()
        above = above[: (len(indented) - len(name) - 1) // 2]
        package = name.partition(".")[0]
        if not is_own(name) and all(is_own(importer) for importer in above):
            seconds[package] = seconds.get(package, 0.0) + int(microseconds) / 1e6
        above.append(name)
    return seconds


def is_own(module: str) -> bool:
    return module.partition(".")[0] == "sightline"


def run_to_first_step(options: list[str], command: list[str], folder: Path) -> subprocess.CompletedProcess:
    whole = [sys.executable, *options, str(Path(__file__).resolve()), *command]
    done = subprocess.run(whole, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} came to no step:\n{done.stderr}")
    return done


def report_and_end(*_) -> None:
    """Print the time of the clock that all processes share and this one's memory, and end."""
    print(time.monotonic(), *memory().values(), flush=True)
    sys.exit()


if __name__ == "__main__":
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(report_and_end)
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
