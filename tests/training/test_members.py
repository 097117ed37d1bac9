import numpy as np

from sightline.images.samples import Samples
from sightline.training.members import untrained_notes


def test_train_names_classes_without_training_images():
    ends = np.array([0, 0, 1])
    samples = Samples(np.arange(3), np.array([0, 1, 2]), ends, np.full(3, -1))
    assert untrained_notes(samples, ["a", "b", "c", "d"]) == ["train: 2 of 4 classes have no image to train on: c, d"]
    assert untrained_notes(samples, ["a", "b", "c"]) == ["train: 1 of 3 classes have no image to train on: c"]
    assert untrained_notes(Samples(np.arange(2), np.array([0, 1]), ends[:2], np.full(2, -1)), ["a", "b"]) == []
