from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sightline.common.errors import SightlineError
from sightline.common.files import write_table
from sightline.images.samples import Samples
from sightline.networks.saved import load_members, read_spec
from sightline.training.continual.herding import herd
from sightline.training.continual.rehearsal import rehearse
from sightline.training.heads.look import look_at
from sightline.training.recipe.distillation import Distillation, divergence
from small_run import CLASSES, make_run

CPU = torch.device("cpu")


def test_herding_worked_out_by_hand():
    """Directions 0, 10, 50 and 60 degrees: their mean points to 30, and 10 or 50 is nearest; then 50 balances 10."""
    angles = np.radians([0, 10, 50, 60])
    values = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array([[1], [5], [1], [3]])
    first, second = herd(values, 2).tolist()
    assert {first, second} == {1, 2}
    assert sorted(herd(values, 9).tolist()) == [0, 1, 2, 3]


def test_each_next_image_is_the_best_of_all_that_are_left():
    values = np.random.default_rng(0).normal(1, 1, (12, 5))
    points = values / np.linalg.norm(values, axis=1, keepdims=True)
    chosen = herd(values, 4).tolist()
    for taken in range(1, 5):
        others = [place for place in range(12) if place not in chosen[: taken - 1]]
        errors = [np.linalg.norm(points.mean(0) - points[[*chosen[: taken - 1], place]].mean(0)) for place in others]
        assert others[int(np.argmin(errors))] == chosen[taken - 1]


@pytest.fixture
def earlier(tmp_path):
    """A trained model of three classes, 9 training images, 3 for validation."""
    make_run(tmp_path, ("train",) * 9 + ("val",) * 3)
    return tmp_path


def make(earlier, rehearsal, classes):
    labels = np.array([classes.index(CLASSES[row % 3]) for row in range(12)], np.int32)
    labels[[0, 4]] = classes.index("zebra")  # of a class that the earlier model does not know
    subset = np.repeat(np.int8([0, 1]), (9, 3))
    samples = Samples(np.arange(12, dtype=np.int32), labels, subset, np.full(12, -1, np.int8))
    params = SimpleNamespace(weights=str(earlier / "models/trained"), rehearsal=rehearsal, memory_mb=64)
    ids = np.array([f"{row}.png" for row in range(12)])
    pixels = np.load(earlier / "data/prepared/images.npy")
    return samples, ids, pixels, params


def test_all_that_is_new_and_a_few_images_of_each_known_class_are_left(earlier):
    classes = [*CLASSES, "zebra"]
    samples, ids, pixels, params = make(earlier, 1, classes)
    left, note = rehearse(samples, ids, pixels, classes, params, CPU)
    train = left.of("train")
    assert np.bincount(train.label).tolist() == [1, 1, 1, 2]
    assert len(left.of("val")) == 3
    assert "rehearsal: 3 of 7 images" in note
    assert "beside 2 new ones" in note
    (member,) = load_members(params.weights, read_spec(params.weights))
    rows = samples.of("train").row[samples.of("train").label == 2]
    first = rows[herd(look_at(member, pixels, rows, 64, CPU), 1)[0]]
    assert first in train.row


def test_images_that_the_split_beside_the_model_does_not_name_are_new(earlier):
    """Of class 2 it has seen image 2 alone, so that 5 and 8 stay whatever herding says."""
    classes = [*CLASSES, "zebra"]
    samples, ids, pixels, params = make(earlier, 1, classes)
    seen = {"id": [f"{row}.png" for row in (1, 2, 3, 6, 7)], "subset": "train", "fold": -1}
    import pandas as pd

    write_table(earlier / "models/trained/split.csv", pd.DataFrame(seen))
    train = rehearse(samples, ids, pixels, classes, params, CPU)[0].of("train")
    assert np.bincount(train.label).tolist() == [1, 1, 3, 2]
    assert {2, 5, 8, 0, 4} <= set(train.row.tolist())


def test_folds_and_unknown_classes_are_refused(earlier):
    samples, ids, pixels, params = make(earlier, 1, [*CLASSES, "zebra"])
    folded = Samples(samples.row, samples.label, samples.subset, np.zeros(12, np.int8))
    with pytest.raises(SightlineError, match="rehearsal: needs folds: 0"):
        rehearse(folded, ids, pixels, [*CLASSES, "zebra"], params, CPU)
    with pytest.raises(SightlineError, match="knows none of the classes"):
        rehearse(samples, ids, pixels, ["lion", "tiger", "cat", "zebra"], params, CPU)


def test_a_teacher_of_some_classes_says_nothing_of_the_others():
    logits, taught = torch.randn(4, 5), torch.randn(4, 2).log_softmax(dim=1)
    distillation = Distillation(lambda images: taught, 2.0, 0.25, [3, 1])
    expected = 0.75 * 7 + 0.25 * divergence(logits[:, [3, 1]], taught, 2.0)
    torch.testing.assert_close(distillation(torch.tensor(7.0), logits, None), expected)
