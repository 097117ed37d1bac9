"""Training by two processes: the same batches, so the same curve; one writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file

from imports import ROOT
from sightline.networks.memory import AT_MOST
from small_run import make_training

LIMIT = 240  # s


@pytest.fixture
def folder(workspace, set_params):
    make_training(workspace, 66, 2 * AT_MOST + 1)  # one process validates two batches, the other one
    augment = {"augment.horizontal_flip": 0.5, "augment.rotation": 10.0, "mixup": 0.2}
    set_params(epochs=3, batch_size=16, warmup_epochs=0, **augment)
    return workspace


def run(*launch):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, str(ROOT / "stages/train.py")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    curve = pd.read_csv("plots/train/epochs.csv")["value"]
    weights = load_file("models/trained/member_0_last.safetensors")
    return curve, weights, json.loads(Path("metrics/train.json").read_text())


CHANGES = [  # AdamW would divide what is rounded differently by gradients that are nearly 0
    {"accumulate": 2, "optimizer": "sgd"},
    {"model": "cnn_residual", "optimizer": "sgd"},
    {"head_init": "probe", "epochs": 0},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_two_processes_give_the_curve_of_one(folder, set_params, changes):
    set_params(**changes)
    curve, weights, metrics = run(sys.executable)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    shared_curve, shared_weights, shared_metrics = run(*torchrun)
    assert shared_curve.to_numpy() == pytest.approx(curve.to_numpy(), rel=1e-5)
    assert shared_metrics["val"]["accuracy"] == metrics["val"]["accuracy"]
    for name, tensor in weights.items():
        assert shared_weights[name].float().numpy() == pytest.approx(tensor.float().numpy(), rel=1e-2, abs=1e-4), name
