from pathlib import Path

import pytest
import torch

from sightline.common.params import load_params
from sightline.parameters.train import TrainParams
from sightline.training.resuming.fingerprint import fingerprint, loaded_code

CPU = torch.device("cpu")


@pytest.fixture
def made(workspace):
    for path in ("data/prepared/dataset.json", "data/prepared/index.csv", "data/split/split.csv", "weights.pth"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("x")
    return lambda processes=1: fingerprint(load_params(TrainParams), [Path("weights.pth")], processes, CPU)


def test_it_stays_the_same_for_a_longer_run(made, set_params):
    first = made()
    set_params(epochs=99)
    assert made() == first
    assert len(first) == 16


@pytest.mark.parametrize("path", ["data/prepared/index.csv", "data/split/split.csv", "weights.pth"])
def test_it_changes_with_every_input(made, path):
    first = made()
    Path(path).write_text("y")
    assert made() != first


def test_it_changes_with_parameters_processes_and_threads(made, set_params, monkeypatch):
    found = {made(), made(processes=2)}
    set_params(lr=1e-4)
    found.add(made())
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    found.add(made())
    assert len(found) == 4


def test_the_code_is_that_of_the_modules_in_use():
    assert loaded_code()["sightline.training.resuming.fingerprint"].name == "fingerprint.py"
