import copy
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from sightline.networks.classifier import Classifier
from sightline.training.batches import Batches
from sightline.training.recipe.averaging import recompute_statistics

CPU, ACCELERATOR = torch.device("cpu"), SimpleNamespace(autocast=nullcontext)


@pytest.fixture
def images():
    """Forty images of one dark and one bright class, in the order of their classes."""
    pixels = np.repeat([40, 200], 20).astype(np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), dtype=np.uint8)
    return Batches(pixels, np.arange(40), np.repeat([0, 1], 20), 2, CPU)


def build(*layers):
    torch.manual_seed(0)
    return Classifier(nn.Sequential(*layers, nn.Flatten(), nn.Linear(48, 2)), [0.0] * 3, [1.0] * 3, 4)


def recompute(classifier, learner, images, batch_size):
    order = images.shuffled(batch_size, torch.Generator().manual_seed(0), 0.0)
    recompute_statistics(classifier, learner, (images.take(rows)[0] for rows in order), ACCELERATOR)


def test_statistics_are_those_of_all_images_by_hand(images):
    classifier = build(nn.BatchNorm2d(3), nn.Dropout(0.5))
    learner = copy.deepcopy(classifier.network).train()
    recompute(classifier, learner, images, 40)
    norm = classifier.network[0]
    assert norm.running_mean.tolist() == pytest.approx([120 / 255] * 3, abs=1e-5)  # the mean of 40 and 200
    assert norm.running_var.tolist() == pytest.approx(
        [(80 / 255) ** 2 * 640 / 639] * 3, abs=1e-5
    )  # 40 images of 16 pixels
    assert norm.momentum == 0.1
    assert not any(module.training for module in classifier.modules())


def test_batches_are_averaged_as_torch_does_and_mix_the_classes(images):
    ours = build(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    theirs = copy.deepcopy(ours)
    recompute(ours, copy.deepcopy(ours.network).train(), images, 10)
    order = images.shuffled(10, torch.Generator().manual_seed(0), 0.0)
    update_bn([images.take(chosen)[0] for chosen in order], theirs)
    for name, tensor in theirs.network.state_dict().items():
        torch.testing.assert_close(ours.network.state_dict()[name], tensor)
    assert (ours.network[1].running_var > 1e-6).all()  # within a class it is 0


def test_frozen_norms_keep_theirs(images):
    classifier = build(nn.BatchNorm2d(3), nn.BatchNorm2d(3))
    learner = copy.deepcopy(classifier.network).train()
    learner[0].eval()
    recompute(classifier, learner, images, 20)
    assert classifier.network[0].running_mean.tolist() == [0, 0, 0]
    assert classifier.network[1].running_mean.abs().min() > 0.1
