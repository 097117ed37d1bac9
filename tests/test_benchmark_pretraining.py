import json
import zipfile
from collections import Counter

import pytest

import pretraining_data
from pretraining_data import Cell, list_rows
from pretraining_report import tabulate


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as writer:
        for number in range(20):
            for kind in ("cat", "dog"):
                writer.writestr(f"train/{kind}/{number:02}.png", b"")
                writer.writestr(f"test/{kind}/{number:02}.png", b"")
    return tmp_path / "images.zip"


def test_the_seed_draws_so_many_labels_of_each_class(archive):
    rows = list_rows(archive, Cell(percent=10, seed=0, judge="test"))
    assert len(rows) == 80
    labels = Counter((subset, label) for _, label, subset in rows)
    assert labels == {
        ("train", ""): 36,
        ("train", "cat"): 2,
        ("train", "dog"): 2,
        ("test", "cat"): 20,
        ("test", "dog"): 20,
    }
    assert rows != list_rows(archive, Cell(percent=10, seed=1, judge="test"))


def test_training_images_that_judge_are_neither_labelled_nor_in_the_pool(archive, monkeypatch):
    monkeypatch.setattr(pretraining_data, "JUDGES", 5)
    rows = list_rows(archive, Cell(percent=10, seed=0, judge="train"))
    judges = {path for path, _, subset in rows if subset == "test"}
    assert judges == {f"cifar10.zip/train/{kind}/{number}.png" for kind in ("cat", "dog") for number in range(15, 20)}
    learnt = [path for path, _, subset in rows if subset == "train"]
    assert len(learnt) == 30
    assert judges.isdisjoint(learnt)
    assert sum(label != "" for _, label, subset in rows if subset == "train") == 4


def test_the_table_has_a_mean_a_way_and_leaves_trials_out(tmp_path):
    for name, accuracy in (("scratch-1-1", 0.4), ("scratch-1-0", 0.5), ("trial_1-1-0", 0.1)):
        (tmp_path / f"{name}.json").write_text(
            json.dumps({"accuracy": accuracy, "seconds": 3.0, "wall": 2.0, "epochs": 7})
        )
    (tmp_path / "pretrain_simclr-0.json").write_text("{}")
    *_, row = tabulate(tmp_path).splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["1", "scratch", "45", "3", "2", "7", "50.00, 40.00"]
