import numpy as np
import pytest
import torch
from torch import nn

from sightline.networks.classifier import Classifier
from sightline.training.batches import Batches, one_ahead, steps_per_epoch
from sightline.training.recipe.layout import normalized
from sightline.training.recipe.normalization import dataset_normalization

CPU = torch.device("cpu")


@pytest.fixture
def batches():
    pixels = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), dtype=np.uint8)
    rows = np.array([9, 7, 5, 3, 1])
    return Batches(pixels, rows, rows * 10, 100, CPU)


def stream(seed):
    return torch.Generator().manual_seed(seed)


def test_a_balanced_epoch_shows_rare_classes_as_often():
    labels = np.array([0] * 90 + [1] * 10)
    images = Batches(np.zeros((100, 2, 2, 3), dtype=np.uint8), np.arange(100), labels, 2, CPU)
    epoch = torch.cat(list(images.shuffled(10, stream(0), 1.0)))
    assert np.bincount(labels[epoch.numpy()]).tolist() == [50, 50]


def test_taking_follows_rows_and_labels(batches):
    pixels, labels = batches.take(torch.tensor([0, 3]))
    assert pixels[:, 0, 0, 0].tolist() == [9, 3]
    assert labels.tolist() == [90, 30]
    assert pixels.dtype == torch.uint8


def test_batches_ahead_are_those_that_are_taken_in_the_same_order(batches):
    chosen = [torch.tensor([4, 0]), torch.tensor([2]), torch.tensor([1, 3])]
    given = list(batches.ahead(iter(chosen)))
    assert [positions.tolist() for positions, _, _ in given] == [[4, 0], [2], [1, 3]]
    for positions, pixels, labels in given:
        expected = batches.take(positions)
        assert torch.equal(pixels, expected[0]) and torch.equal(labels, expected[1])


def test_the_next_one_is_begun_before_one_is_given():
    story = []
    for letter in one_ahead("abc", lambda item: story.append(f"begin {item}") or item):
        story.append(f"use {letter}")
    assert story == ["begin a", "begin b", "use a", "begin c", "use b", "use c"]
    assert list(one_ahead([], str)) == []
    assert list(one_ahead([7], str)) == ["7"]


def test_an_epoch_shuffles_into_full_batches_by_seed_and_epoch(batches):
    first, again, later = ([batch.tolist() for batch in batches.shuffled(2, stream(seed), 0.0)] for seed in (0, 0, 1))
    assert first == again != later
    assert [len(batch) for batch in first] == [2, 2]
    assert len({position for batch in first for position in batch}) == 4


def test_fewer_images_than_a_batch_are_one_batch(batches):
    assert [sorted(batch.tolist()) for batch in batches.shuffled(64, stream(0), 0.0)] == [[0, 1, 2, 3, 4]]
    assert steps_per_epoch(5, 64) == 1


@pytest.mark.parametrize("images", [1, 1000, 100_003])
def test_an_epoch_of_small_numbers_is_torchs_permutation(images):
    images = Batches(np.zeros((images, 1, 1, 3), dtype=np.uint8), *np.zeros((2, images), dtype=np.int32), 1, CPU)
    epoch = torch.cat(list(images.shuffled(1, stream(5), 0.0)))
    assert epoch.dtype == torch.int64
    assert torch.equal(epoch, torch.randperm(len(images), generator=stream(5)))
    assert images.take(epoch[:1])[1].dtype == torch.int64  # as the loss wants its targets


def test_reading_in_order_covers_everything_once(batches):
    assert torch.cat(list(batches.in_order(2, 0, 1))).tolist() == [0, 1, 2, 3, 4]
    assert torch.cat(list(batches.in_order(2, 1, 2))).tolist() == [1, 3]


def test_normalization_is_numpys_mean_and_deviation():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 5, 5, 3), dtype=np.uint8)
    rows = np.arange(0, 300, 2)
    mean, std = dataset_normalization(pixels, rows)
    chosen = pixels[rows].reshape(-1, 3) / 255
    assert mean == pytest.approx(chosen.mean(axis=0))
    assert std == pytest.approx(chosen.std(axis=0))


def test_a_constant_channel_can_be_divided_by():
    _, std = dataset_normalization(np.full((3, 4, 4, 3), 7, dtype=np.uint8), np.arange(3))
    assert std == pytest.approx([1 / 255] * 3)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_training_normalises_to_the_bit_as_deciding_does(layout):
    classifier = Classifier(nn.Identity(), [0.5, 0.4, 0.3], [0.2, 0.25, 0.3], 6)
    images = torch.rand(4, 3, 6, 6, generator=stream(0))
    found = normalized(images, classifier, layout)
    assert torch.equal(found, classifier.normalize(images))
    assert found.is_contiguous(memory_format=layout)
