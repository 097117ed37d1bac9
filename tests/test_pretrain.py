"""`make pretrain` from its parameters to weights that train takes."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate.state import AcceleratorState

import pretrain
from sightline.common.errors import SightlineError
from sightline.common.files import write_table
from sightline.common.params import load_params
from sightline.images.store import read_dataset
from sightline.networks.architectures.build import build_network
from sightline.parameters.pretrain import PretrainParams
from sightline.pretraining import loop
from sightline.pretraining.learners import LEARNERS
from sightline.surveying.network import open_classifier
from sightline.training.recipe.pretrained import load_weights, weights_normalization
from small_run import SIZE, SUBSETS, make_run

RESULT = Path("models/pretrained/small.safetensors")
IMAGES = (*SUBSETS[:1] * 30, *SUBSETS[1:2] * 9, *SUBSETS[2:] * 3)
HASHES = [f"{number:016x}" for number in np.random.default_rng(0).integers(2**63, size=len(IMAGES))]


def change_index(**columns):
    index = pd.read_csv("data/prepared/index.csv", keep_default_na=False)
    write_table("data/prepared/index.csv", index.assign(**columns))


def write_pool(count, **columns):
    pixels = np.random.default_rng(1).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    Path("data/pool").mkdir(parents=True, exist_ok=True)
    np.save("data/pool/images.npy", pixels)
    plain = {"id": [f"pool/{row}.png" for row in range(count)], "width": 9, "height": 9}
    plain |= {"sha256": "0", "phash": "0" * 16, "near_labelled": "", "group": ""}
    write_table("data/pool/index.csv", pd.DataFrame(plain | columns))


@pytest.fixture
def learn(workspace, set_params, monkeypatch):
    make_run(workspace, IMAGES)
    change_index(phash=HASHES)
    write_pool(12)
    short = {"epochs": 2, "batch_size": 16, "hidden": 16, "dimensions": 8, "queue": 64, "warmup_epochs": 0}

    def run(method="simclr", **changes):
        chosen = {f"pretrain.{key}": value for key, value in ({"method": method} | short).items()}
        set_params(**chosen | {"arithmetic": "native"} | changes)
        AcceleratorState._reset_state(reset_partial_state=True)
        monkeypatch.setattr(sys, "argv", ["pretrain.py", "--name", "small"])
        pretrain.main(load_params(PretrainParams))
        return RESULT.read_bytes()

    return run


def test_weights_come_with_their_story_and_train_takes_them(learn, capsys):
    learn()
    out = capsys.readouterr().out
    assert "pretrain: 30 training images and 12 of the pool\n" in out
    network = build_network("simple_cnn", 7, SIZE, pretrained=False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert load_weights(network, RESULT) == ["head.weight", "head.bias"]
    moved = [name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])]
    assert {"blocks.0.0.weight", "blocks.2.0.weight"} <= set(moved)
    embedding = open_classifier(RESULT, "cnn", read_dataset().preprocessing)  # not of what params.yaml would train
    assert torch.equal(embedding.network.blocks[0][0].weight, network.blocks[0][0].weight)
    assert weights_normalization(RESULT)[0] == pytest.approx([0.5, 0.5, 0.5], abs=0.05)
    told = json.loads(RESULT.with_suffix(".json").read_text())["pretraining"]
    assert (told["training_images"], told["pool_images"], told["scores"]["epoch"]) == (30, 12, 2)
    table = pd.read_csv("pretrain/small.csv")
    assert table["epoch"].tolist() == [0, 1, 2]
    assert table["knn_accuracy"].between(0, 1).all()
    assert Path("pretrain/small.png").stat().st_size > 1000
    assert not list(Path(".resume").iterdir())


@pytest.mark.parametrize("method", LEARNERS)
def test_what_was_stopped_goes_on_and_ends_with_the_same_bytes(method, learn, monkeypatch, capsys):
    whole = learn(method)
    update, calls = loop.update, []

    def stop_at_the_third(*arguments):
        calls.append(None)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(*arguments)

    monkeypatch.setattr(loop, "update", stop_at_the_third)
    with pytest.raises(SightlineError, match="interrupted in epoch 2 after step 1; `make pretrain` goes on from there"):
        learn(method)
    monkeypatch.setattr(loop, "update", update)
    capsys.readouterr()
    assert learn(method) == whole
    assert "pretrain: goes on after epoch 1, step 1" in capsys.readouterr().out


def test_images_that_resemble_val_or_test_are_left_out(learn, capsys):
    groups = ["lot", *[""] * 40, "lot"]  # of train and of test
    change_index(phash=[HASHES[41], *HASHES[1:]], group=groups)  # the first of train looks like the last of test
    near = [HASHES[41], f"{int(HASHES[30], 16) ^ 0b111:016x}", HASHES[1], *["0" * 16] * 9]  # of val in 3 bits; of train
    twins = ["ant/0.png", "ant/30.png", "bee/1.png", *[""] * 9]
    write_pool(12, phash=near, near_labelled=twins, group=[""] * 11 + ["lot"])
    learn(**{"near_bits": 3, "pretrain.epochs": 1})
    out = capsys.readouterr().out
    assert "9 of the pool; 3 left out, which resemble images of val or test or share their group" in out
    learn(**{"near_bits": 2, "pretrain.epochs": 1})
    assert "10 of the pool; 2 left out" in capsys.readouterr().out


def test_a_collapse_is_told_with_advice(learn, capsys, monkeypatch):
    monkeypatch.setattr(loop, "spread", lambda embeddings: torch.tensor(0.01))
    learn()
    assert "pretrain: the embeddings collapse (deviation 0.010 of 1)" in capsys.readouterr().out


def test_a_queue_in_which_each_image_meets_itself_is_told(learn, capsys):
    learn("moco", **{"pretrain.queue": 85, "pretrain.epochs": 1})
    assert "pretrain.queue: 85 is more than both views of all 42 images" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_tells_what_to_change(learn):
    with pytest.raises(SightlineError, match=r"in epoch 0, step 0: lower pretrain.lr.* or raise pretrain.temperature"):
        learn("moco", **{"pretrain.temperature": 1e-45})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": "none"}, "params.yaml: pretrain.method: none learns nothing: set it to simclr"),
        ({"pretrain.optimizer": "adamwww"}, r"params.yaml: pretrain.optimizer: 'adamwww' is neither one of adamw, "),
        ({"pretrain.schedule": "plateau"}, r"params.yaml: pretrain.schedule: plateau waits .* take another"),
        ({"model": ["simple_cnn", "cnn"]}, "params.yaml: model: pretraining is of one network"),
        ({"model": "hog+svm"}, r"params.yaml: model: hog\+svm has no weights to pretrain"),
    ],
)
def test_what_cannot_be_pretrained_is_one_line(learn, changes, told):
    with pytest.raises(SightlineError, match=told):
        learn(**changes)


def test_a_method_that_is_not_there_is_refused(learn):
    with pytest.raises(SightlineError, match=r"pretrain\.method: must be 'none'"):
        learn(method="byol")


@pytest.mark.parametrize("name", ["a/b", ".hidden", "two words"])
def test_a_name_that_a_command_line_would_stumble_over_is_refused(monkeypatch, name):
    monkeypatch.setattr(sys, "argv", ["pretrain.py", "--name", name])
    with pytest.raises(SightlineError, match="must be of letters, digits"):
        pretrain.read_name(None)


def test_a_repeated_run_writes_the_same_bytes_and_another_one_says_what_it_replaces(learn, capsys):
    first = learn()
    told = RESULT.with_suffix(".json").read_bytes()
    assert (learn(), RESULT.with_suffix(".json").read_bytes()) == (first, told)
    assert "replaced" not in capsys.readouterr().out
    assert learn(seed=7) != first
    line = (
        f"pretrain: {RESULT} is there, by simclr of simple_cnn, seed 0, and will be replaced: another NAME keeps it\n"
    )
    assert line in capsys.readouterr().out


def test_a_run_that_ended_between_its_two_files_is_repeated(learn):
    first = learn()
    RESULT.unlink()
    assert learn() == first


@pytest.mark.parametrize("source", ["timm", None])
def test_weights_that_were_not_pretrained_here_are_not_replaced(learn, source):
    learn()
    weights, path = RESULT.read_bytes(), RESULT.with_suffix(".json")
    published = json.loads(path.read_text()) | {"source": source, "pretraining": None}
    path.unlink()
    whose = f"{RESULT}: is of weights that this command did not learn"
    if source:
        path.write_text(json.dumps(published))
        whose = f"{path}: is of weights from timm"
    with pytest.raises(SightlineError, match=f"^{whose}: take another NAME, or remove them$"):
        learn("moco")
    assert RESULT.read_bytes() == weights
