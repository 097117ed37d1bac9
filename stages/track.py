"""Hand a finished run to a tracker, from what Git and DVC's cache have of it: nothing trains, whatever is tracked.

Run    make track TRACKER=mlflow                         the run in the workspace
       python stages/track.py mlflow slower faster       branches, tags, commits or experiments, a run each
Reads  params.yaml, metrics, learning curves, pictures, models/trained and models/exported of each
       data/prepared, data/split                         training images, for gradients, where they are here
Writes trackers/<tracker>, which Git and DVC ignore; it is no stage, so the pipeline never runs it

A run is named as its experiment, and written anew when it is tracked again. Trackers are installed by
`pip install -r requirements-trackers.txt`.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sightline.common.errors import SightlineError
from sightline.common.params import StageParams
from sightline.common.stage import run_stage
from sightline.reporting.revision import WORKSPACE, Revision
from sightline.tracking.record import Record, read_run

FOLDER = Path("trackers")
Writer = Callable[[Record, Path], str]


class Params(StageParams):
    pass


def main(params: Params) -> None:
    options = read_options()
    write = open_tracker(options.tracker)
    folder = open_folder(FOLDER / options.tracker)
    for name in options.runs or [WORKSPACE]:
        with TemporaryDirectory() as copies:
            shown_by = write(read_run(Revision(name), name, Path(copies)), folder)
        print(f"{name}: {shown_by}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Hand finished runs to a tracker.")
    parser.add_argument("tracker", help=", ".join(TRACKERS))
    parser.add_argument("runs", nargs="*", help=f"branches, tags, commits or experiments; default: {WORKSPACE}")
    return parser.parse_args()


def open_tensorboard() -> Writer:
    from sightline.tracking.to_tensorboard import write_tensorboard

    return write_tensorboard


def open_mlflow() -> Writer:
    from sightline.tracking.to_mlflow import write_mlflow

    return write_mlflow


def open_wandb() -> Writer:
    from sightline.tracking.to_wandb import write_wandb

    return write_wandb


def open_comet() -> Writer:
    from sightline.tracking.to_comet import write_comet

    return write_comet


TRACKERS = {"tensorboard": open_tensorboard, "mlflow": open_mlflow, "wandb": open_wandb, "comet": open_comet}
SILENT = {  # no word to their makers, and no warnings of what is meant to be so
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "COMET_LOGGING_CONSOLE": "error",
}


def open_tracker(name: str) -> Writer:
    """Return what writes a run for a tracker.

    Raises
    ------
    SightlineError
        There is no such tracker, or its package is not installed.
    """
    for variable, value in SILENT.items():
        os.environ.setdefault(variable, value)
    if name not in TRACKERS:
        raise SightlineError(f"{name}: is no tracker that is known: {', '.join(TRACKERS)} are")
    try:
        return TRACKERS[name]()  # which imports its package
    except ModuleNotFoundError as error:
        raise SightlineError(
            f"{name}: the package {error.name} is not installed: pip install -r requirements-trackers.txt"
        ) from None


def open_folder(folder: Path) -> Path:
    """Make a folder, and refuse one in which nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder):
            return folder
    except OSError as error:
        raise SightlineError(f"{folder}: cannot be written: {error.strerror}") from None


if __name__ == "__main__":
    run_stage(main, Params)
