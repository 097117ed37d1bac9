import zipfile

import numpy as np
import pytest

import label_noise_data
from label_noise_data import choose, flip


@pytest.mark.parametrize(("noise", "shifts"), [("symmetric", {1, 2, 3}), ("pair", {1})])
def test_so_many_labels_become_another_class(noise, shifts):
    labels = np.arange(200) % 4
    noisy = flip(labels, 4, noise, 0.4, seed=0)
    wrong = noisy != labels
    assert wrong.sum() == 80
    assert set((noisy - labels)[wrong] % 4) == shifts
    assert (flip(labels, 4, noise, 0.4, seed=1) != noisy).any()


TRAINED = [("train/cat/0.png", "cat", "train"), ("train/cat/1.png", "cat", "val")]


@pytest.mark.parametrize(
    ("judge", "judging"),
    [
        ("test", [("test/cat/0.png", "cat", "test"), ("test/cat/1.png", "cat", "test"), *TRAINED]),
        ("train", [*TRAINED, ("train/cat/2.png", "cat", "test"), ("train/cat/3.png", "cat", "test")]),
    ],
)
def test_the_first_images_of_a_class_are_chosen_and_none_of_test_where_train_judges(
    tmp_path, monkeypatch, judge, judging
):
    monkeypatch.setattr(label_noise_data, "EACH", 2)
    monkeypatch.setattr(label_noise_data, "VAL", 1)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name in (f"{folder}/cat/{number}.png" for folder in ("test", "train") for number in range(5)):
            archive.writestr(name, b"")
    assert list(choose(tmp_path / "images.zip", judge)) == judging
