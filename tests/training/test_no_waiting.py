"""What a training step computes on the device never waits for it: on torch's meta device, reading a value fails."""

import pytest
import torch
from torch import nn

from augmentation import FULL, augmentation_of
from sightline.training.augmentation.mixing import Mixing
from sightline.training.recipe.averaging import WeightAverage
from sightline.training.recipe.distillation import divergence
from sightline.training.recipe.losses import LOSSES, Loss, l1_norm
from sightline.training.recipe.wrong_labels.memory import MEMORIES
from sightline.training.recipe.wrong_labels.robust_losses import ROBUST

META = torch.device("meta")
POLICY = {"auto_augment": "randaugment", "randaugment_ops": 8}
REST = {
    "random_resized_crop": True,
    "grayscale": 0.5,
    "gaussian_blur": 0.5,
    "vertical_flip": 0.5,
}


def test_reading_a_value_fails():
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.ones(1, device=META).item()
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.ones(1, device=META).cpu()


@pytest.mark.parametrize("settings", [FULL, REST, POLICY])
def test_augmentation_and_mixing(settings):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.empty((64, 32, 32, 3), dtype=torch.uint8, device=META)
    images = augmentation_of(32, settings)(pixels, generator, 0, torch.arange(64))
    labels = torch.empty(64, dtype=torch.long, device=META)
    mixed, targets = Mixing(0.2, 1.0, 1.0, 0.5)(images, labels, 10, generator)
    assert mixed.shape == (64, 3, 32, 32) and targets.shape == (64, 10) and mixed.device == META


@pytest.mark.parametrize("per_image", [*LOSSES.values(), *ROBUST.values()])
def test_losses(per_image):
    logits, labels = torch.empty((8, 5), device=META), torch.empty(8, dtype=torch.long, device=META)
    loss = Loss(per_image, 0.1, 2.0, torch.ones(5), torch.ones(5)).to(META)
    assert (loss(logits, labels) + divergence(logits, logits, 2.0)).device == META


@pytest.mark.parametrize("kind", MEMORIES.values())
def test_what_was_said_of_images(kind):
    loss = Loss(LOSSES["cross_entropy"], 0.1, 2.0, None, None)
    memory = kind(loss, torch.empty(64, dtype=torch.int32, device=META), 5, 2)
    logits, labels = torch.empty((8, 5), device=META), torch.empty(8, dtype=torch.long, device=META)
    assert memory(logits, labels, labels, 1).device == META


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_and_penalties(kind):
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).to(META)
    average = WeightAverage(network, kind, 0.9, 0)
    for epoch in range(3):
        average.after_update(network)
        average.after_epoch(network, epoch)
    assert average.averaged == 3 and l1_norm(network).device == META
