"""An experiment's name follows from code, data and parameters, and from nothing else."""

import subprocess

import pytest

from sightline.common.errors import SightlineError
from sightline.sweeping.identity import Identity
from sightline.sweeping.plan import Cell

DVC = """stages:
  train:
    cmd: python stages/train.py
    deps: [stages/train.py, stages/sightline/common, data/split]
    params: [seed, lr, network.width, weights, prepare.source, gates]
"""
PARAMS = {
    "seed": 0,
    "lr": 0.1,
    "network": {"width": 1.0},
    "weights": "",
    "prepare": {"source": "digits"},
    "unread": 1,
    "gates": 0,
}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "stages/sightline/common").mkdir(parents=True)
    (tmp_path / "stages/sightline/sweeping").mkdir()
    (tmp_path / "stages/train.py").write_text("print(1)\n")
    (tmp_path / "stages/sightline/common/files.py").write_text("a = 1\n")
    (tmp_path / "dvc.yaml").write_text(DVC)
    (tmp_path / "data/raw").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def name(root, params=PARAMS, **values):
    return Identity(root, params).name(Cell("digits", "cnn", 3, {"seed": 3} | values))


def test_the_name_says_what_it_is_and_repeats(root):
    first = name(root)
    assert first.startswith("digits-cnn-s3-") and len(first) == len("digits-cnn-s3-") + 8
    assert name(root) == first
    assert name(root, **{"lr": 0.1}) == first  # what params.yaml says anyway


def test_parameters_and_code_of_stages_change_it_and_nothing_else_does(root):
    first = name(root)
    assert name(root, PARAMS | {"unread": 2, "gates": 1}) == first
    (root / "stages/sightline/sweeping/page.py").write_text("b = 2\n")
    (root / "stages/sweep.py").write_text("c = 3\n")
    assert name(root) == first
    others = {name(root, lr=0.2), name(root, **{"network.width": 2.0}), name(root, PARAMS | {"lr": 0.3})}
    (root / "stages/sightline/common/files.py").write_text("a = 2\n")
    others.add(name(root))
    assert len(others | {first}) == 5


def test_images_are_known_by_what_dvc_notes_of_them(root):
    (root / "data/raw/a.zip").write_text("images")
    with pytest.raises(SightlineError, match=r"^sweep.yaml: data.digits: data/raw/a.zip: not versioned, .*`dvc add"):
        name(root, **{"prepare.source": "data/raw/a.zip"})
    with pytest.raises(SightlineError, match=r"data/raw/b.zip: not found: put it there"):
        name(root, **{"prepare.source": "data/raw/b.zip"})
    found = []
    for digest in ("1", "2"):
        (root / "data/raw/a.zip.dvc").write_text(f"outs:\n- md5: {digest}\n")
        subprocess.run(["git", "add", "data/raw/a.zip.dvc"], cwd=root, check=True)
        found.append(name(root, **{"prepare.source": "data/raw/a.zip"}))
    assert len({*found, name(root)}) == 3
