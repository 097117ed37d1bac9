import numpy as np
import pandas as pd
import pytest

from sightline.explaining.quality.pointing import place_box, place_boxes, points_inside, read_boxes
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing

BOX = np.array([20.0, 10.0, 60.0, 30.0])


def how(fit: str, size: int = 40) -> Preprocessing:
    return Preprocessing(image_size=size, fit=fit, resample="box", background=[0, 0, 0])


def test_boxes_of_a_table():
    index = pd.DataFrame(
        {"box_x": ["20", ""], "box_y": ["10", ""], "box_width": ["40", ""], "box_height": ["20", ""]}
    ).assign(width=100, height=50)
    np.testing.assert_array_equal(read_boxes(index)[0], BOX)
    assert np.isnan(read_boxes(index)[1]).all()
    assert read_boxes(index.drop(columns="box_x")) is None
    assert list(place_boxes(index, [0, 1], how("stretch"), 40)) == [0]
    assert place_boxes(index.drop(columns="box_x"), [0, 1], how("stretch"), 40) == {}


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("stretch", [8, 8, 24, 24]),  # 0.4 across, 0.8 down
        ("pad", [8, 14, 24, 22]),  # 0.4 in both, 10 px above
        ("crop", [0, 8, 28, 24]),  # 0.8 in both, 20 px cut off on the left
    ],
)
def test_boxes_follow_the_preprocessing(fit, expected):
    np.testing.assert_allclose(place_box(BOX, 100, 50, how(fit), 40), expected)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_boxes_lie_where_the_decoder_puts_their_pixels(fit, encode):
    picture = np.zeros((50, 100, 3), np.uint8)
    picture[10:30, 20:60] = 255
    stored = decode(encode(picture), how(fit), 10_000).pixels[:, :, 0] > 127
    rows, columns = np.flatnonzero(stored.any(axis=1)), np.flatnonzero(stored.any(axis=0))
    found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(place_box(BOX, 100, 50, how(fit), 40), found, atol=1)


def test_boxes_follow_the_networks_input():
    np.testing.assert_allclose(place_box(BOX, 100, 50, how("stretch"), 80), [16, 16, 48, 48])  # enlarged
    np.testing.assert_allclose(place_box(BOX, 100, 50, how("stretch"), 20), [0, 0, 14, 14])  # 10 px cut off
    assert place_box(np.array([0.0, 0, 5, 5]), 100, 50, how("crop"), 40) is None  # cut away
    assert place_box(np.full(4, np.nan), 100, 50, how("crop"), 40) is None


def test_pointing_by_hand():
    heat = np.zeros((8, 8))
    heat[2, 5] = 1
    assert points_inside(heat, np.array([5.0, 2.0, 6.0, 3.0]))
    assert not points_inside(heat, np.array([2.0, 5.0, 3.0, 6.0]))
    assert not points_inside(heat, np.array([5.6, 2.0, 8.0, 3.0]))  # the pixel's centre lies outside
    assert not points_inside(np.zeros((8, 8)), np.array([0.0, 0.0, 8.0, 8.0]))
