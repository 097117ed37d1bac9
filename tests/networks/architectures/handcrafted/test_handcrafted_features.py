import numpy as np
import pytest
import torch
from PIL import Image
from skimage.feature import hog as skimage_hog
from skimage.feature import local_binary_pattern
from sklearn.datasets import load_sample_image

from sightline.networks.architectures.handcrafted.features import (
    DIAGONAL,
    EDGE,
    FEATURES,
    TIE,
    color,
    hog,
    lbp,
    to_grey,
    to_levels,
)


@pytest.fixture(autouse=True)
def deterministic():
    torch.set_deterministic_debug_mode("error")
    yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 40, 3), dtype=np.uint8)


@pytest.fixture
def photos() -> np.ndarray:
    china = load_sample_image("china.jpg")
    return np.stack([china[top : top + 64, 200:264] for top in (0, 100, 200, 300)])


def levels_of(pixels: np.ndarray) -> torch.Tensor:
    return to_levels(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)


def greys_of(pixels: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(Image.fromarray(image).convert("L")) for image in pixels]


def test_eight_bit_images_keep_their_levels(noise):
    assert torch.equal(levels_of(noise), torch.from_numpy(noise).permute(0, 3, 1, 2).float())


def test_sides_are_stretched_to_the_grid_but_levels_stay_whole():
    levels = to_levels(torch.rand(1, 3, 30, 33, generator=torch.Generator().manual_seed(0)))
    assert levels.shape == (1, 3, 32, 36)
    assert torch.equal(levels, levels.round())


def test_grey_is_pillows(noise):
    assert np.array_equal(to_grey(levels_of(noise)).numpy(), np.stack(greys_of(noise)))


@pytest.mark.parametrize("kind", ["noise", "photos"])
def test_hog_is_scikit_images(kind, request):
    pixels = request.getfixturevalue(kind)
    cell = (pixels.shape[1] // 4, pixels.shape[2] // 4)
    expected = [
        skimage_hog(grey / 255, orientations=9, pixels_per_cell=cell, cells_per_block=(3, 3), block_norm="L2-Hys")
        for grey in greys_of(pixels)
    ]
    np.testing.assert_allclose(hog(levels_of(pixels)).numpy(), expected, atol=1e-4)


def test_hog_of_a_step_has_one_orientation():
    pixels = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    pixels[:, :, 12:] = 200
    blocks = hog(levels_of(pixels)).view(4, 3, 3, 9)
    # horizontal gradients: bin 0 of the middle column's left cells, alike in three rows: 1 / sqrt(3) each
    assert blocks[0, :, 1, 0].tolist() == pytest.approx([3**-0.5] * 3, abs=1e-5)
    assert blocks[0].count_nonzero() == 3
    assert hog(levels_of(np.full((1, 32, 32, 3), 77, dtype=np.uint8))).count_nonzero() == 0


def test_lbp_codes_are_scikit_images(noise):
    expected = []
    for grey in greys_of(noise):
        codes = local_binary_pattern(grey, P=8, R=1, method="uniform").astype(int).reshape(4, 8, 4, 10)
        expected.append([[np.bincount(codes[i, :, j].ravel(), minlength=10) / 80 for j in range(4)] for i in range(4)])
    np.testing.assert_allclose(lbp(levels_of(noise)).numpy(), np.sqrt(expected).reshape(3, -1), atol=1e-4)


def test_lbp_counts_equal_neighbours_as_brighter():
    cells = lbp(levels_of(np.full((1, 32, 32, 3), 90, dtype=np.uint8))).square().view(4, 4, 10) * 64
    # outside is black: the corner sees 3 neighbours as bright as itself, the 7 + 7 pixels of the edges 5, the rest 8
    assert cells[0, 0].tolist() == pytest.approx([0, 0, 0, 1, 0, 14, 0, 0, 49, 0], abs=1e-4)
    assert cells[1, 2].tolist() == pytest.approx([0] * 8 + [64, 0], abs=1e-4)


def test_color_is_numpys_histogram(noise):
    found = color(levels_of(noise)).view(3, 3, 4, 4, 8)
    for image in range(3):
        for channel in range(3):
            cell = noise[image, 8:16, 30:40, channel]
            expected = np.histogram(cell, bins=8, range=(0, 256))[0] / 80
            np.testing.assert_allclose(found[image, channel, 1, 3].numpy(), np.sqrt(expected), atol=1e-6)


def test_no_whole_levels_come_as_close_to_a_tie_as_the_tolerances():
    steps = np.arange(1, 256.0)
    bins = np.arctan2(steps[:, None], steps) * 9 / np.pi  # 45 degrees is bin 2.25: no gradient lies on an edge
    assert np.abs(bins - bins.round()).min() > 2 * EDGE
    corner, beside = np.arange(256.0)[:, None], np.arange(511.0)
    for grey in range(0, 256, 5):
        apart = DIAGONAL**2 * corner + DIAGONAL * (1 - DIAGONAL) * beside - (1 - (1 - DIAGONAL) ** 2) * grey
        apart[grey, 2 * grey] = 1  # the tie itself
        assert np.abs(apart).min() > 2 * TIE


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("side", [4, 30, 64])
def test_the_number_of_features_is_that_of_the_table_at_any_size(name, side):
    compute, width = FEATURES[name]
    features = compute(to_levels(torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))))
    assert features.shape == (2, width)
    assert features.dtype == torch.float32
    assert features.isfinite().all()


@pytest.mark.parametrize("name", FEATURES)
def test_an_images_features_do_not_depend_on_its_batch(name, noise):
    levels, compute = levels_of(noise), FEATURES[name][0]
    assert torch.equal(compute(levels)[1], compute(levels[1:2])[0])
