import numpy as np
import pytest

from sightline.drawing.contact_sheet import WIDEST, contact_sheet, say_part
from sightline.drawing.tiles import MOST_PIXELS, tile_side
from sightline.preparing.previews import MOST_THUMBNAILS, sample_sheet

LONG = "a class name as long as a file system allows " * 5


def sheet(classes: int, each: int, side: int):
    """Return the sheet of samples of classes with two images each."""
    labels = np.repeat(np.arange(classes), 2)
    names = [f"{number} {LONG}" for number in range(classes)]
    return sample_sheet(np.zeros((len(labels), 4, 4, 3), np.uint8), labels, names, each, side)


def test_few_classes_are_all_shown():
    title, rows = sheet(classes=3, each=8, side=8)
    assert title == "samples of each class (images)"
    assert [caption.split()[0] for caption, _ in rows] == ["0", "1", "2"]
    assert rows[0][0].endswith("(2)")


@pytest.mark.parametrize("each", [1, 8, 100])
def test_many_classes_are_sampled_and_the_title_says_so(each):
    title, rows = sheet(classes=5000, each=each, side=8)
    shown = MOST_THUMBNAILS // each
    assert len(rows) == shown
    assert title == f"samples of each class (images), {shown} of 5,000 classes"
    numbers = [int(caption.split()[0]) for caption, _ in rows]
    assert (numbers[0], numbers[-1]) == (0, 4999)
    assert max(np.diff(numbers)) - min(np.diff(numbers)) <= 1


def test_the_picture_has_a_bound_whatever_the_classes_are_called():
    title, rows = sheet(classes=5000, each=8, side=64)
    full = [(caption, np.zeros((8, 64, 64, 3), np.uint8)) for caption, _ in rows]
    picture = contact_sheet(full, title, 64)
    assert picture.width * picture.height < 100 * (WIDEST + 12) * (64 + 29) * 1.2


def test_a_long_caption_is_cut():
    plain, long = (contact_sheet([(name, np.zeros((2, 8, 8, 3), np.uint8))], "t", 8) for name in ("m" * 99, LONG))
    assert long.size == plain.size


def test_one_long_name_among_short_ones_does_not_widen_the_columns():
    image = np.zeros((2, 8, 8, 3), np.uint8)
    short = [("medium name", image)] * 9
    plain, long = contact_sheet([*short, *short], "t", 8), contact_sheet([*short, *short[1:], (LONG, image)], "t", 8)
    assert long.width <= 2 * plain.width


def test_parts_are_said_and_wholes_are_not():
    assert say_part(7, 7) == ""
    assert say_part(100, 5000) == ", 100 of 5,000 classes"


@pytest.mark.parametrize("size", [8, 32, 224])
def test_many_tiles_become_smaller_so_that_the_picture_has_a_bound(size):
    assert tile_side(size, 10) == tile_side(size)
    assert 0.9 * MOST_PIXELS < 3000 * tile_side(size, 3000) ** 2 <= MOST_PIXELS
