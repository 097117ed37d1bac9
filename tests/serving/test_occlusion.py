import io

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from PIL import Image

from sightline.serving.occlusion import draw_map, hidden_squares, hide_squares, map_falls


def brightness(pixels):
    """Stand in for a probability: a weighted mean of the pixels, whose weights differ everywhere."""
    weights = np.arange(pixels[0].size).reshape(pixels.shape[1:]) / pixels[0].size
    return (pixels * weights).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("side", [4, 16, 20, 37])
def test_the_map_is_captums(side):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    hidden = np.concatenate(list(hide_squares(pixels, 5)))
    found = map_falls(brightness(pixels[None])[0] - brightness(hidden), side)
    step = max(1, side // 8)
    color = pixels.mean(axis=(0, 1)).round()
    expected = Occlusion(lambda batch: torch.from_numpy(brightness(batch.numpy().transpose(0, 2, 3, 1)))).attribute(
        torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(float)),
        sliding_window_shapes=(3, 2 * step, 2 * step),
        strides=(3, step, step),
        baselines=torch.from_numpy(color)[None, :, None, None].expand(1, 3, side, side),
    )
    assert len(hidden) == len(hidden_squares(side))
    assert found == pytest.approx(expected[0, 0].relu().numpy())
    assert found.max() > 0


def test_the_picture_shows_what_speaks_for_the_class():
    pixels = np.full((100, 100, 3), 255, np.uint8)
    falls = np.zeros((100, 100))
    falls[:, 50:] = 0.3
    picture = Image.open(io.BytesIO(draw_map(pixels, falls)))
    assert picture.size == (300, 300)  # three times
    assert picture.getpixel((10, 10)) == (255, 255, 255)
    assert picture.getpixel((290, 10)) == (232, 114, 114)  # 255 + 0.65 * (220 - 255); 255 + 0.65 * (38 - 255)
