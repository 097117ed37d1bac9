import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from sightline.training.augmentation.boxes import box_mask, erase_at_random
from sightline.training.augmentation.color import (
    blur_at_random,
    color_matrices,
    gaussian_blur,
    hue_matrices,
    jitter_colors,
    recolor,
    saturation_matrices,
)

FACTORS = [0.6, 1.0, 1.3]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def muted(count: int = 3) -> torch.Tensor:
    """Colours that no operation of these tests drives out of [0, 1]."""
    return torch.rand((count, 3, 12, 12), generator=generator(4)) * 0.4 + 0.25


def each(function, images: torch.Tensor) -> torch.Tensor:
    return torch.stack([function(image, factor) for image, factor in zip(images, FACTORS, strict=True)])


def test_brightness_contrast_and_saturation_agree_with_torchvision():
    images, factors, zero = muted(), torch.tensor(FACTORS), torch.zeros(3)
    scaled = torch.eye(3) * factors.view(-1, 1, 1)
    torch.testing.assert_close(recolor(images, scaled, zero), each(tv.adjust_brightness, images))
    contrast = recolor(images, scaled, 1 - factors)
    torch.testing.assert_close(contrast, each(tv.adjust_contrast, images), atol=1e-4, rtol=0)
    saturated = recolor(images, saturation_matrices(factors), zero)
    torch.testing.assert_close(saturated, each(tv.adjust_saturation, images), atol=1e-4, rtol=0)


def test_four_steps_are_one_matrix():
    images, factors = muted(), torch.tensor(FACTORS)
    steps = each(tv.adjust_saturation, each(tv.adjust_contrast, tv.adjust_brightness(images, 0.9)))
    matrices, toward_mean = color_matrices(torch.full((3,), 0.9), factors, factors, torch.full((3,), 1 / 3))
    found = recolor(images, matrices, toward_mean)
    torch.testing.assert_close(found, tv.adjust_hue(steps, 1 / 3), atol=3e-4, rtol=0)


@pytest.mark.parametrize("turn", [0.0, 1 / 3, -1 / 3])
def test_a_third_of_a_turn_is_torchvisions_hue_shift(turn):
    images = muted()
    shifted = recolor(images, hue_matrices(torch.full((3,), turn)), torch.zeros(3))
    torch.testing.assert_close(shifted, tv.adjust_hue(images, turn), atol=1e-4, rtol=0)


def test_hue_leaves_grey_and_the_mean_of_the_channels():
    matrices = hue_matrices(torch.tensor([0.07]))
    torch.testing.assert_close(matrices.sum(dim=2), torch.ones(1, 3))
    torch.testing.assert_close(matrices.sum(dim=1), torch.ones(1, 3))


def test_jitter_draws_factors_over_the_whole_range():
    images = torch.full((2000, 3, 2, 2), 0.5)
    factors = jitter_colors(images, (0.4, 0.0, 0.0, 0.0), 0.0, generator())[:, 0, 0, 0] / 0.5
    assert 0.6 <= factors.min() < 0.605 and 1.395 < factors.max() <= 1.4 + 1e-6
    assert factors.mean() == pytest.approx(1.0, abs=0.02)


def test_grayscale_turns_the_asked_share_grey():
    images = muted(1).expand(2000, -1, -1, -1)
    changed = jitter_colors(images, (0.0,) * 4, 0.3, generator())
    gray = (changed.amax(dim=1) - changed.amin(dim=1)).amax(dim=(1, 2)) < 1e-5
    assert gray.double().mean() == pytest.approx(0.3, abs=0.04)
    torch.testing.assert_close(changed[gray][0], tv.rgb_to_grayscale(images[0], 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(changed[~gray], images[~gray])


def test_blur_agrees_with_torchvision_for_each_image():
    images, sigmas = muted(), [0.3, 1.0, 2.0]
    expected = [tv.gaussian_blur(image, [13, 13], [sigma] * 2) for image, sigma in zip(images, sigmas, strict=True)]
    torch.testing.assert_close(gaussian_blur(images, torch.tensor(sigmas), 6), torch.stack(expected))


def test_blur_takes_the_asked_share_and_fits_images_smaller_than_its_kernel():
    images = torch.rand((1, 3, 4, 4), generator=generator()).expand(1000, -1, -1, -1)
    blurred = blur_at_random(images, 0.25, (1.0, 2.0), generator())
    changed = (blurred != images).flatten(1).any(dim=1)
    assert changed.double().mean() == pytest.approx(0.25, abs=0.05)
    assert blurred[changed].std(dim=(2, 3)).max() < images[0].std(dim=(1, 2)).min()


def test_erasing_overwrites_one_box_with_the_fill():
    images, fill = torch.full((400, 3, 20, 20), 0.5), (0.1, 0.2, 0.3)
    erased = erase_at_random(images, 0.5, (0.25, 0.25), (1.0, 1.0), fill, generator())
    inside = erased[:, 0] == fill[0]
    hit = inside.flatten(1).any(dim=1)
    assert hit.double().mean() == pytest.approx(0.5, abs=0.08)
    assert set(inside[hit].sum(dim=(1, 2)).tolist()) == {100}  # a quarter of 400 pixels
    assert set(inside[hit].any(dim=2).sum(dim=1).tolist()) == {10}
    torch.testing.assert_close(erased[inside.unsqueeze(1).expand_as(erased)].unique(), torch.tensor(fill))
    assert (images == 0.5).all()


def test_box_mask_is_half_open():
    mask = box_mask(torch.tensor([[1, 0, 2, 2]]), 3, 3)
    assert mask.int().tolist() == [[[[0, 0, 0], [1, 1, 0], [0, 0, 0]]]]
