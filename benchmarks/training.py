"""Training speed against the ideal loop and against peers, side by side on the same images.

Run    OMP_NUM_THREADS=2 PYTHONPATH=stages python benchmarks/training.py --data DIR
       DIR holds cifar10.zip and ants_bees.zip, each with train/<class>/<image>; benchmarks/requirements.txt installs
       those peers that Sightline itself does not need

       --cases resnet18_32 start      only these rows
       --timm-script PATH             run timm's own train.py instead of the same loop made of timm's parts
       --rounds 1 --scale 0.1         a quick look: one window each, a tenth as long

Each contender trains in a process of its own; windows take turns, so that what disturbs one disturbs all. Writes
benchmarks/results/training.json and training.md; `ratio` is how many times as fast as a contender the first one is, the
median over rounds, and `target` what it should be.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cases import CASES, CROP_FLIP, IMAGES, OTHERS, PACKAGES
from own import train_stage
from startup import import_times, time_start
from timm_peer import BEST, script_arguments
from training_report import environment, summarize, write_results
from windows import Window, interleave, started
from workspace import TRAIN, branch, prepare, unpack

UNTIMED_STEPS = 6  # more than the batches that the peers' workers hold ready
Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What all rows share: the command line and a temporary folder."""

    root: Path
    data: Path
    script: Path | None
    rounds: int
    scale: float
    made: dict[str, tuple[Path, Path]] = field(default_factory=dict)

    def folders(self, name: str) -> tuple[Path, Path]:
        """Return a data set's images as files and the stages' working folder with them, made when first asked for."""
        if name not in self.made:
            images = IMAGES[name]
            files = unpack(self.data / images.archive, self.root / f"{name}_files", images.copies)
            self.made[name] = files, prepare(files, images.stored, self.root / name)
        return self.made[name]


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.data, arguments.timm_script, arguments.rounds, arguments.scale)
        tables = {}
        for case in arguments.cases:
            print(f"--- {case}", flush=True)
            tables[case] = ROWS[case](bench)
            report = write_results({"environment": environment(), "tables": tables}, arguments.results)
    print(report)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", choices=ROWS, default=list(ROWS), metavar="CASE", help=", ".join(ROWS))
    parser.add_argument("--timm-script", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the windows' length")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER")
    return parser.parse_args()


def race(name: str, bench: Bench) -> list[Row]:
    """Let a case's contenders train in turn."""
    case = CASES[name]
    images, prepared = bench.folders(case.images)
    runs = {}
    for number, (contender, changes) in enumerate(case.stages.items()):
        workspace = branch(prepared, bench.root / f"{name}_{number}", case.params | changes)
        runs[contender] = partial(train_stage, case.setting(workspace, images))
    for contender in case.others:
        if not is_installed(contender):
            print(f"left out: {contender} (pip install -r benchmarks/requirements.txt)", flush=True)
            continue
        runs[contender] = partial(OTHERS[contender](bench.script), case.setting(bench.root, images))
    window = Window(UNTIMED_STEPS, case.seconds * bench.scale)
    with started(runs, case.batch_size, bench.root) as contenders:
        rates = interleave(contenders, window, bench.rounds)
        memory = {contender.name: contender.stop() for contender in contenders}
    return [{"case": name, **row} for row in summarize(rates, memory, case.targets)]


def is_installed(contender: str) -> bool:
    """Tell whether the package that a contender needs is there."""
    return contender not in PACKAGES or find_spec(PACKAGES[contender]) is not None


def measure_start(bench: Bench) -> list[Row]:
    """Time train.py, and timm's script where it is given, from process start to the first step."""
    commands = start_commands(bench)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(bench.rounds):
        for name, (command, folder) in commands.items():
            times[name].append(time_start(command, folder).seconds)
    return [
        {"start": name, "seconds": statistics.median(seconds), "lowest": min(seconds), "highest": max(seconds)}
        for name, seconds in times.items()
    ]


def measure_imports(bench: Bench) -> list[Row]:
    """List what train.py's imports cost before its first step."""
    _, (command, folder) = next(iter(start_commands(bench).items()))
    return [{"package": name, "seconds": seconds} for name, seconds in import_times(command, folder).items()]


def start_commands(bench: Bench) -> dict[str, tuple[list[str], Path]]:
    """Return the command and the working folder of each training script."""
    commands = {}
    for name in ("simple_cnn_fp32", "resnet18_32"):
        case = CASES[name]
        images, prepared = bench.folders(case.images)
        workspace = bench.root / f"start_{name}"
        if not workspace.exists():
            branch(prepared, workspace, case.params | CROP_FLIP)
        commands[f"train.py, {case.model}"] = [TRAIN], workspace
    if bench.script:
        arguments = script_arguments(BEST, case.setting(workspace, images))
        commands[f"timm's script, {case.model}"] = [str(bench.script), *arguments], workspace
    return commands


ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    **{name: partial(race, name) for name in CASES},
    "start": measure_start,
    "imports": measure_imports,
}


if __name__ == "__main__":
    main()
