"""A torchvision data set, downloaded below data/raw, where DVC must not take it for a changed dependency."""

import shutil

import pytest

from dvc_repo import clone_project, ran

# Python runs this at its start: prepare then finds a data set that torchvision does not have
SHAPES = """
import sys

if sys.orig_argv[-1] == "stages/prepare.py":
    from pathlib import Path

    import torchvision
    from PIL import Image

    class Shapes(torchvision.datasets.VisionDataset):
        classes = ("circle", "square")

        def __init__(self, root, train=True, download=False):
            super().__init__(root)
            if not (Path(root) / "shapes.bin").exists():
                print("downloads")
                (Path(root) / "shapes.bin").write_bytes(b"x")
            self.targets = [0, 1] * (10 if train else 3)

        def __getitem__(self, index):
            return Image.new("L", (8, 8), 10 * index + len(self.targets)), self.targets[index]

    torchvision.datasets.Shapes = Shapes
"""


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes/sitecustomize.py").write_text(SHAPES)
    repo = clone_project(tmp_path / "repo", tmp_path / "home")
    text = repo.read("params.yaml")
    (repo.path / "params.yaml").write_text(text.replace("source: digits\n", "source: torchvision:Shapes\n"))
    repo.commit("Shapes")
    return repo


def test_downloads_run_prepare_once_here_in_a_copy_and_at_a_colleagues(repo, tmp_path):
    shapes = {"PYTHONPATH": str(tmp_path / "shapes")}
    output = repo.dvc("repro", "prepare", **shapes)
    assert ran(output) == ["prepare"]
    assert "downloads" in output
    assert ran(repo.dvc("repro", "prepare", **shapes)) == []
    repo.commit("Prepared")
    output = repo.dvc("exp", "run", "--temp", "-S", "seed=1", "split", **shapes)
    assert ran(output) == ["split"]
    shutil.rmtree(repo.path / "data/raw/torchvision")  # as in a clone after `dvc pull`
    assert repo.dvc("status", "prepare").strip() == "Data and pipelines are up to date."
