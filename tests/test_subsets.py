"""The subsets of known data sets: so many images a class, in the folders that prepare reads."""

import gzip
import io
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import subsets


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes the subset of a source, two training images and one of test a class."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subsets, "WANTED", {name: {"train": 2, "test": 1} for name in subsets.WANTED})

    def run(name, source):
        monkeypatch.setattr(sys, "argv", ["subsets.py", name, str(source)])
        subsets.main()
        return zipfile.ZipFile(tmp_path / "data/raw" / subsets.NAMES[name])

    return run


def test_fashion_is_read_from_the_files_of_its_package(write, tmp_path):
    pixels = np.arange(4 * 28 * 28).reshape(4, 28, 28).astype(np.uint8)
    for prefix in ("train", "t10k"):
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16) + pixels.tobytes()))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + bytes([0, 9, 0, 0])))
    archive = write("fashion", tmp_path)
    assert archive.namelist() == [
        "train/t_shirt/00000.png",
        "train/ankle_boot/00001.png",
        "train/t_shirt/00002.png",
        "test/t_shirt/00000.png",
        "test/ankle_boot/00001.png",
    ]
    second = Image.open(io.BytesIO(archive.read("train/ankle_boot/00001.png")))
    assert np.array_equal(np.asarray(second), pixels[1])


def test_of_an_archive_the_first_images_of_each_class_are_taken(write, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("train/cat/3.jpg", "train/cat/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg", "test/cat/9.jpg"):
            archive.writestr(name, name)
    assert write("cifar10", tmp_path / "all.zip").namelist() == [
        "test/cat/9.jpg",
        "train/cat/1.jpg",
        "train/cat/2.jpg",
        "train/dog/1.jpg",
    ]


def test_a_source_that_is_not_there_is_one_line(write, tmp_path):
    with pytest.raises(SystemExit, match=r"nowhere: not found$"):
        write("fashion", tmp_path / "nowhere")
