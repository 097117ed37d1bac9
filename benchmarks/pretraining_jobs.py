"""Jobs of the benchmark of pretraining: stages inside of this process, each result kept with its seconds."""

import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pretraining_data import SOURCE, Cell, branch_cell, cell_folder
from workspace import REPOSITORY, write_params

sys.path.insert(0, str(REPOSITORY / "stages"))
import torch

import evaluate
import pretrain
import train
from sightline.common.files import write_json
from sightline.common.params import load_params
from sightline.parameters.evaluate import EvaluateParams
from sightline.parameters.pretrain import PretrainParams
from sightline.parameters.train import TrainParams

STAGES = {  # inside of this process, so that no time goes into starting them
    "pretrain": (pretrain.main, PretrainParams),
    "train": (train.main, TrainParams),
    "evaluate": (evaluate.main, EvaluateParams),
}
PLAIN = {
    "evaluate.map": 0,
    "evaluate.bootstrap": 0,
    "evaluate.label_images": 0,
    "evaluate.calibration": "none",
    "evaluate.conformal": "none",
}
CLOCKS = {"seconds": time.process_time, "wall": time.perf_counter}
MEASURE = "wall" if torch.cuda.is_available() else "seconds"  # of equal time: a processor only waits for a GPU
SHORT, LONG = 1, 101  # epochs of the trials: ten more took half of what an epoch takes in a long training
SUFFIXES = (".safetensors", ".json")


class Bench:
    """Runs what is asked for of one cell, in a working folder of that name beside it.

    Parameters
    ----------
    work, results : Path
        Folders, of the working folders and of what was measured.
    common : dict
        Changes to params.yaml, of all jobs.
    """

    def __init__(self, work: Path, results: Path, cell: Cell, name: str, common: dict[str, Any]):
        self.cell = cell
        self.results = results
        self.common = common
        self.learnt = work / cell.judge / "learnt"
        prepared = cell_folder(work, cell).resolve()
        self.folder = branch_cell(prepared, prepared.with_name(f"{prepared.name}-{name}"))

    def pretrain(self, way: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Learn from all images of the seed, once for all shares of labels; return the job's result.

        What was learnt lies in the folder of the working folders: where that was lost, it is learnt again.
        """
        name = f"{way}-{self.cell.seed}"
        if (self.learnt / f"{name}{SUFFIXES[-1]}").exists() and (known := self._read(f"pretrain_{name}")):
            return known
        spent = self._time(f"pretrain_{name}", ["pretrain", "--name", name], changes)
        self.learnt.mkdir(exist_ok=True)
        for suffix in SUFFIXES:
            shutil.copy(self.folder / f"models/pretrained/{name}{suffix}", self.learnt)
        return self._keep(f"pretrain_{name}", spent | {"weights": name, **changes})

    def train(self, way: str, changes: dict[str, Any], learnt: dict[str, Any] | None = None) -> dict[str, Any]:
        """Train on the labelled images, from weights where a result of `pretrain` is given; return the job's result."""
        name = f"{way}-{self.cell.percent}-{self.cell.seed}"
        if known := self._read(name):
            return known
        spent = self._time(name, ["train"], changes | (self._take(learnt["weights"]) if learnt else {}))
        self._run(["evaluate"])
        accuracy = json.loads((self.folder / "metrics/evaluate.json").read_text())["test"]["accuracy"]
        return self._keep(name, spent | {"accuracy": accuracy, **changes})

    def has(self, way: str) -> bool:
        """Tell whether a way of training has a result."""
        return self._read(f"{way}-{self.cell.percent}-{self.cell.seed}") is not None

    def seconds_of(self, way: str) -> float:
        """Return what pretraining and fine-tuning took together, which both have been run."""
        seed = self.cell.seed
        names = f"pretrain_{way}-{seed}", f"{way}_tuned-{self.cell.percent}-{seed}"
        return sum(self._read(name)[MEASURE] for name in names)

    def fill(self, changes: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return the changes with as many epochs as take so many seconds, by what two short trials tell."""
        short, long = (self.train(f"trial_{epochs}", changes | {"epochs": epochs})[MEASURE] for epochs in (SHORT, LONG))
        epoch = (long - short) / (LONG - SHORT)
        return changes | {"epochs": max(1, round(LONG + (seconds - long) / epoch))}

    def _take(self, weights: str) -> dict[str, Any]:
        """Put weights where train looks for them; return the changes that name them."""
        target = self.folder / "models/pretrained"
        target.mkdir(parents=True, exist_ok=True)
        for suffix in SUFFIXES:
            shutil.copy(self.learnt / f"{weights}{suffix}", target)
        return {"weights": f"models/pretrained/{weights}.safetensors", "normalization": "weights"}

    def _time(self, name: str, command: list[str], changes: dict[str, Any]) -> dict[str, float]:
        """Run a stage with changes to params.yaml; return its processor and wall seconds, over all attempts."""
        write_params(self.folder, SOURCE | PLAIN | self.common | {"seed": self.cell.seed} | changes)
        file = self.folder / f"{name}.seconds.json"
        before = json.loads(file.read_text()) if file.exists() else dict.fromkeys(CLOCKS, 0.0)
        begin = {clock: read() for clock, read in CLOCKS.items()}
        try:
            self._run(command)
        finally:
            spent = {clock: before[clock] + read() - begin[clock] for clock, read in CLOCKS.items()}
            write_json(file, spent)
        return spent

    def _run(self, command: list[str]) -> None:
        stage, schema = STAGES[command[0]]
        sys.argv[:] = command
        with contextlib.chdir(self.folder), Path(os.devnull).open("w") as log, contextlib.redirect_stdout(log):
            stage(load_params(schema))

    def _read(self, name: str) -> dict[str, Any] | None:
        file = self.results / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else None

    def _keep(self, name: str, result: dict[str, Any]) -> dict[str, Any]:
        write_json(self.results / f"{name}.json", result)
        print(name, result, flush=True)
        return result
