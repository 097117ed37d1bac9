"""An experiment that runs: whether it has ended, what it says, and how it is stopped."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sightline.experiments.copies import Copy, remove_copy
from sightline.experiments.order import Order
from sightline.experiments.processes import PATIENCE, end_group, opened_below
from sightline.experiments.scores import read_curves

NOISE = ("Reproducing experiment", "Stage '", "Running stage '", "> ", "Updating lock file")  # what DVC says anyway
SKIPPED = "didn't change, skipping"  # of stages, and of files ending in .dvc
RESUME = ".resume"
TRAINS = "Running stage 'train'"


@dataclass
class Running:
    """An experiment and the process of its `dvc`, which leads a group of its own.

    Parameters
    ----------
    order : Order
        What was asked for.
    process : subprocess.Popen
        The `dvc` of it.
    copy : Copy or None
        Where it works; None where it ended before it had a copy.
    """

    order: Order
    process: subprocess.Popen
    copy: Copy | None

    @property
    def folder(self) -> Path | None:
        """Where its files lie: gone when it has ended."""
        return self.copy.folder if self.copy else None

    def status(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self.process.poll()

    def stop(self, root: Path) -> None:
        """End it at once with all that it started, and remove its copy and its states: it is not to go on later."""
        states = opened_below(self.process.pid, root / RESUME)
        self.interrupt(root, patience=0.0)
        for folder in states:
            shutil.rmtree(folder, ignore_errors=True)

    def interrupt(self, root: Path, patience: float = PATIENCE) -> None:
        """End it with all that it started, and remove its copy; a training can go on from its states."""
        end_group(self.process.pid, patience)
        self.process.wait()
        remove_copy(self.order.name, root)

    def tidy(self, root: Path) -> None:
        """Remove the notes, and what else is left, of one that has ended."""
        remove_copy(self.order.name, root)

    def curves(self, score: str) -> list[list[float]]:
        """Return the value after each epoch so far, a list for each member of the model; `scores.py` tells more.

        Until train runs, its copy still has the curves of the commit that it was made from.
        """
        trains = self.folder is not None and TRAINS in self.read_log()
        return read_curves(self.folder, score) if trains else []

    def read_log(self) -> str:
        """Return all that it printed; nothing where somebody has removed the log."""
        try:
            return self.order.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def reason(self) -> str:
        """Return in one line why it failed."""
        return find_reason(self.read_log())


def find_reason(log: str) -> str:
    """Return the line of a failed experiment's output that tells what was wrong.

    A stage says it in its last line, before DVC complains; where no stage ran, DVC's complaint tells.
    """
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in log.splitlines()]
    complaint = next((number for number, line in enumerate(lines) if line.startswith("ERROR:")), len(lines))
    said = [line for line in lines[:complaint] if line and not line.startswith(NOISE) and not line.endswith(SKIPPED)]
    if said:
        return said[-1]
    return (
        lines[complaint].removeprefix("ERROR: ") if lines[complaint:] else "it ended without a word: is the disk full?"
    )
