"""Which images of a batch a view changes, and how."""

from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from sightline.parameters.augment import AugmentSection
from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.views import CROPS, Views
from sightline.training.augmentation.pipeline import Augmentation

PLAIN = {"crop_scale": [1.0, 1.0], "jitter_prob": 0.0, "grayscale": 0.0, "gaussian_blur": 0.0}


@pytest.fixture
def draw(workspace):
    """Return a function that draws views of 400 images with settings, and gives these images too, as floats."""
    content = YAML(typ="safe").load(Path("params.yaml"))
    pixels = torch.randint(0, 256, (400, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def views(**changes):
        settings = PretrainSection(**content["pretrain"] | PLAIN | changes)
        augment = content["augment"] | CROPS | {"crop_scale": settings.crop_scale, "horizontal_flip": 0.0}
        crops = Augmentation(AugmentSection(**augment), 8, (0.5, 0.5, 0.5))
        drawn = Views(crops, settings, [1.0, 1.0]).draw(pixels, torch.Generator().manual_seed(1))
        return drawn, pixels.permute(0, 3, 1, 2).float() / 255

    return views


def share_that_differs(first, second):
    return ((first - second).abs().amax(dim=(1, 2, 3)) > 1e-6).float().mean().item()


def test_without_chance_a_view_is_the_image(draw):
    drawn, images = draw()
    assert torch.equal(drawn, images)


@pytest.mark.parametrize("key", ["jitter_prob", "grayscale", "gaussian_blur"])
def test_so_many_images_change(key, draw):
    drawn, images = draw(**{key: 0.25})
    assert share_that_differs(drawn, images) == pytest.approx(0.25, abs=0.06)  # three deviations of 400 draws


def test_grey_has_one_value_a_pixel_whatever_the_jitter(draw):
    drawn, _ = draw(jitter_prob=1.0, grayscale=1.0)
    assert torch.allclose(drawn, drawn[:, :1].expand_as(drawn), atol=1e-6)
