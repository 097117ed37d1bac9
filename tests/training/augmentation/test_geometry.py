import math

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from sightline.training.augmentation.boxes import draw_boxes, to_pixels
from sightline.training.augmentation.geometry import (
    affine_matrices,
    crop_and_flip,
    random_affine,
    random_resized_crop,
    resized_crop,
    resized_crop_by_product,
    warp,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(count: int, side: int) -> torch.Tensor:
    coarse = torch.rand((count, 3, 6, 6), generator=generator(8))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize(("padding", "size"), [(2, 8), (3, 6), (0, 5), (6, 8)])
def test_crop_is_a_window_of_the_image_padded_by_its_reflection(padding, size):
    pixels = torch.randint(0, 256, (200, 8, 8, 3), dtype=torch.uint8, generator=generator())
    cropped = crop_and_flip(pixels, size, padding, (0.0, 0.0), generator(), None).numpy()
    found = set()
    for before, after in zip(pixels.numpy(), cropped, strict=True):
        padded = np.pad(before, ((padding,) * 2, (padding,) * 2, (0, 0)), mode="reflect")
        starts = range(8 + 2 * padding - size + 1)
        hits = [(t, x) for t in starts for x in starts if np.array_equal(padded[t : t + size, x : x + size], after)]
        assert len(hits) >= 1
        found |= {hits[0]}
    assert {0, 8 + 2 * padding - size} <= {top for top, _ in found}  # both ends of the range are reached
    assert {0, 8 + 2 * padding - size} <= {left for _, left in found}


def test_padding_beyond_the_image_stops_at_its_edge():
    pixels = torch.arange(3, dtype=torch.uint8).view(1, 1, 3, 1).expand(50, 3, 3, 3).contiguous()
    cropped = crop_and_flip(pixels, 3, 9, (0.0, 0.0), generator(), None)
    assert cropped.shape == pixels.shape and set(cropped.unique().tolist()) == {0, 1, 2}


@pytest.mark.parametrize(("flips", "axis"), [((0.3, 0.0), 1), ((0.0, 0.3), 0)])
def test_flips_mirror_the_asked_share_and_nothing_else(flips, axis):
    pixels = torch.randint(0, 256, (1, 4, 4, 3), dtype=torch.uint8, generator=generator()).expand(4000, -1, -1, -1)
    flipped = crop_and_flip(pixels, 4, 0, flips, generator(), None)
    mirrored = (flipped == pixels[0].flip(axis)).flatten(1).all(dim=1)
    kept = (flipped == pixels[0]).flatten(1).all(dim=1)
    assert bool((mirrored ^ kept).all())
    assert mirrored.double().mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(
    ("angle", "shift", "shear"),
    [
        (30.0, (0.0, 0.0), (0.0, 0.0)),
        (0.0, (2.0, -3.0), (0.0, 0.0)),
        (0.0, (0.0, 0.0), (20.0, 0.0)),
        (-15.0, (1.0, 2.0), (10.0, -8.0)),
    ],
)
def test_warp_agrees_with_torchvision(angle, shift, shear):
    images = smooth(2, 24)
    matrices = affine_matrices(torch.tensor([0.0, angle]), torch.tensor([(0, 0), shift]), torch.tensor([(0, 0), shear]))
    warped = warp(images, matrices, fill=(0.0, 0.0, 0.0))
    expected = tv.affine(images, angle, [int(part) for part in shift], 1.0, list(shear), InterpolationMode.BILINEAR)
    torch.testing.assert_close(warped[0], images[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(warped[1], expected[1], atol=1e-4, rtol=0)


def test_quarter_turn_and_shift_move_pixels_as_drawn_on_paper():
    image = torch.tensor([[0.1, 0.2], [0.3, 0.4]]).expand(2, 3, 2, 2)
    matrices = affine_matrices(torch.tensor([90.0, 0.0]), torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.zeros(2, 2))
    turned, moved = warp(image, matrices, fill=(0.9, 0.9, 0.9))[:, 0]
    torch.testing.assert_close(turned, torch.tensor([[0.3, 0.1], [0.4, 0.2]]))  # clockwise
    torch.testing.assert_close(moved, torch.tensor([[0.9, 0.1], [0.9, 0.3]]))
    reflected = warp(image, matrices[1:].repeat(2, 1, 1), fill=None)[0, 0]
    torch.testing.assert_close(reflected, torch.tensor([[0.2, 0.1], [0.4, 0.3]]))


def test_random_affine_stays_within_its_ranges():
    ramp = torch.linspace(0, 1, 21).expand(500, 3, 21, 21).contiguous()  # brightness = column / 20
    moved = random_affine(ramp, 0.0, 0.1, 0.0, generator())[:, 0, 10, 10] * 20 - 10
    assert -2.1 - 1e-4 <= moved.min() < -1.9 and 1.9 < moved.max() <= 2.1 + 1e-4
    turned = random_affine(ramp, 30.0, 0.0, 0.0, generator())[:, 0]
    slope = torch.atan2(turned[:, 11, 10] - turned[:, 9, 10], turned[:, 10, 11] - turned[:, 10, 9]) * 180 / math.pi
    assert -30.1 <= slope.min() < -28 and 28 < slope.max() <= 30.1
    sheared = random_affine(ramp, 0.0, 0.0, 10.0, generator())[:, 0]
    tangent = (sheared[:, 14, 10] - sheared[:, 6, 10]) * 20 / 8
    assert -0.177 <= tangent.min() < -0.16 and 0.16 < tangent.max() <= 0.177


BOXES = torch.tensor([[0, 0, 40, 40], [3, 10, 23, 39], [30, 5, 38, 15], [1, 2, 40, 3]])


@pytest.mark.parametrize("size", [16, 32])
def test_resized_crop_agrees_with_torchvision_on_both_paths(size):
    pixels = (smooth(4, 40) * 255).byte().permute(0, 2, 3, 1).contiguous()
    images = pixels.permute(0, 3, 1, 2).float()
    expected = torch.stack(
        [
            tv.resized_crop(images[i], top, left, bottom - top, right - left, [size, size], antialias=True)
            for i, (top, left, bottom, right) in enumerate(BOXES.tolist())
        ]
    ).permute(0, 2, 3, 1)
    for crop in resized_crop, resized_crop_by_product:
        found = crop(pixels, BOXES, size)
        assert found.dtype == torch.uint8 and found.shape == (4, size, size, 3)
        assert (found.float() - expected).abs().max() <= 1.01  # bytes, rounded after each axis


def test_random_resized_crop_shows_parts_of_the_asked_area():
    rows = torch.arange(100, dtype=torch.uint8).view(1, 100, 1, 1).expand(300, 100, 100, 3).contiguous()
    crops = random_resized_crop(rows, 10, (0.25, 0.25), (1.0, 1.0), generator())
    assert set((crops[:, -1, 0, 0].int() - crops[:, 0, 0, 0].int()).tolist()) <= {44, 45, 46}  # 50 rows in 10 steps
    assert crops[:, 0].min() <= 4 and crops[:, -1].max() >= 95


def test_boxes_keep_their_area_and_ratio_and_lie_inside():
    boxes = draw_boxes(5000, (0.1, 1.0), (0.5, 2.0), generator())
    top, left, height, width = boxes.T
    area, ratio = height * width, width / height
    assert 0.0999 < area.min() < 0.11 and 0.99 < area.max() < 1.001
    assert area.mean() == pytest.approx(0.55, abs=0.01)
    assert 0.4999 < ratio.min() < 0.51 and 1.96 < ratio.max() < 2.001
    assert torch.log(ratio).mean() == pytest.approx(0, abs=0.02)
    assert boxes.min() >= 0 and max((top + height).max(), (left + width).max()) <= 1 + 1e-6


def test_boxes_in_pixels_are_never_empty_nor_outside():
    edges = to_pixels(draw_boxes(5000, (0.001, 1.0), (0.2, 5.0), generator()), 7)
    assert (edges[:, 2:] > edges[:, :2]).all() and edges.min() == 0 and edges.max() == 7
    assert to_pixels(torch.tensor([[0.25, 0.5, 0.5, 0.25]]), 8).tolist() == [[2, 4, 6, 6]]
