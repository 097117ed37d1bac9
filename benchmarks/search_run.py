"""What a search of benchmarks/search.py starts: trainings in this process, which have ended when they begin."""

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np

from in_one_process import REPOSITORY, keep, load, train

RESULTS = REPOSITORY / "benchmarks/results/search"
RECIPE = {"arithmetic": "native", "precision": "bf16", "epochs": 8, "augment.horizontal_flip": 0.5}


class Trials:
    """Starts trials, which have ended when they begin."""

    def __init__(self, folder: Path, model: str):
        self._folder = folder
        self._model = model

    def start(self, name: str, values: dict, slot: int) -> "Trial":
        """Train, or read what a training of these values came to before."""
        values = {"model": self._model} | values
        return Trial(keep(RESULTS / f"trial_{digest(values)}.json", partial(validate, self._folder, values)))


class Trial:
    """A trial that has ended."""

    def __init__(self, result: dict):
        self._result = result

    def status(self) -> int:
        return 0

    def values(self) -> list[float]:
        return [self._result["val"]]

    def epochs(self) -> int:
        return RECIPE["epochs"]


def validate(folder: Path, values: dict) -> dict:
    """Train, and return the best validation accuracy."""
    seconds = train(folder, RECIPE | values)
    best = json.loads((folder / "metrics/train.json").read_text())["best"]
    return {"val": best["val"]["accuracy"], "seconds": seconds}


def judge(folder: Path, values: dict, seed: int) -> dict:
    """Train with a seed, and return the accuracy on test images, and which of them are decided rightly."""
    import torch

    from sightline.networks.predict import predict_logits

    train(folder, RECIPE | values | {"seed": seed})
    member, pixels, labels = load(folder)
    logits = predict_logits(member, pixels, np.arange(len(pixels)), 256, torch.device("cpu"))
    right = logits.argmax(dim=1).numpy() == labels
    return {"test": float(right.mean()), "right": "".join(map(str, right.astype(int))), "values": values}


def digest(values: dict) -> str:
    """Return a short name of values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
