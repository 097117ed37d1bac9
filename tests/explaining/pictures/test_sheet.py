import numpy as np
import pytest
from PIL import ImageColor

from sightline.drawing.canvas import RIGHT, WRONG, save_png
from sightline.drawing.tiles import (
    MOST_PIXELS,
    clipped,
    colored,
    draw_message,
    overlay,
    resized,
    resized_map,
    tile_side,
)
from sightline.explaining.pictures.sheet import CAPTION, HEADING, TITLE, Explained, draw_sheet

SIDE = 160


def shown(methods: int = 1, name: str = "cat", box: np.ndarray | None = None) -> Explained:
    heat = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    maps = {f"method {number}": heat for number in range(methods)}
    return Explained(np.full((32, 32, 3), 200, np.uint8), maps, "dog", name, 0.875, box)


def tile(picture, number: int) -> np.ndarray:
    left, top = 12 + number * (SIDE + 12), HEADING + TITLE
    return np.asarray(picture)[top : top + SIDE, left : left + SIDE]


@pytest.mark.parametrize(
    ("size", "side"), [(8, 160), (28, 168), (32, 160), (64, 128), (96, 192), (160, 160), (224, 160), (384, 160)]
)
def test_small_images_are_enlarged_by_a_whole_number_and_large_ones_shrunk(size, side):
    assert tile_side(size) == side
    assert resized(np.zeros((size, size, 3), np.uint8), side).shape == (side, side, 3)


def test_overlay_by_hand():
    image = np.full((1, 3, 3), 100, np.uint8)
    heat = np.array([[0.0, 0.25, 1.0]], np.float32)
    found = overlay(image, heat, alpha=0.5)
    assert found[0, 0].tolist() == [100, 100, 100]  # nothing where the map is 0
    colors = overlay(np.zeros_like(image), np.ones_like(heat), alpha=1.0)[0, 0].astype(float)
    np.testing.assert_allclose(found[0, 2], 0.5 * 100 + 0.5 * colors, atol=0.51)
    assert (overlay(image, heat, alpha=0.0) == image).all()
    assert abs(found[0, 1].astype(int) - 100).max() > 0


def test_a_few_bright_pixels_leave_the_others_visible():
    heat = np.full((20, 20), 0.1)
    heat[0, 0] = 1
    assert (clipped(heat) == 1).all()
    one = np.zeros((20, 20))
    one[0, 0] = 1
    np.testing.assert_array_equal(clipped(one), one)


def test_one_method_shows_image_map_and_overlay():
    picture = draw_sheet("Wrong", [shown()], alpha=0.6)
    assert picture.size == (3 * SIDE + 5 * 12, HEADING + TITLE + SIDE + CAPTION + 12)
    heat = resized_map(clipped(shown().maps["method 0"]), SIDE)
    assert (tile(picture, 0) == 200).all()
    np.testing.assert_array_equal(tile(picture, 1), colored(heat))
    np.testing.assert_array_equal(tile(picture, 2), overlay(tile(picture, 0), heat, 0.6))


def test_several_methods_show_an_overlay_each():
    picture = draw_sheet("Wrong", [shown(methods=4)], alpha=0.6)
    expected = overlay(tile(picture, 0), resized_map(clipped(shown().maps["method 0"]), SIDE), 0.6)
    for number in range(1, 5):
        np.testing.assert_array_equal(tile(picture, number), expected)
    assert picture.width == 5 * SIDE + 7 * 12


def test_boxes_are_drawn_on_the_image_alone():
    picture = draw_sheet("Wrong", [shown(box=np.array([8.0, 8.0, 16.0, 16.0]))], alpha=0.0)
    marked = (tile(picture, 0) != 200).any(axis=2)
    assert np.flatnonzero(marked.any(axis=1))[[0, -1]].tolist() == [40, 79]  # 8 and 16 px, 5 times as large
    assert np.flatnonzero(marked.any(axis=0))[[0, -1]].tolist() == [40, 79]
    assert not marked[45:75, 45:75].any()
    assert (tile(picture, 2) == 200).all()


def test_long_names_stay_inside():
    short, long = (draw_sheet("Wrong", [shown(name=name)], 0.6) for name in ("cat", "a very long class name " * 20))
    assert long.size == short.size
    assert (np.asarray(long)[:, -11:] == 255).all()


def colors(picture, top: int = HEADING, bottom: int = HEADING + TITLE) -> list[str]:
    """Return the colours of the letters of the first title, from left to right."""
    strip = np.asarray(picture)[top:bottom, : 330 - 12].reshape(bottom - top, -1, 3).astype(int)
    marks = {color: (np.abs(strip - ImageColor.getrgb(color)).sum(axis=2) < 30).any(axis=0) for color in (RIGHT, WRONG)}
    return sorted((color for color, columns in marks.items() if columns.any()), key=lambda color: marks[color].argmax())


def test_the_actual_class_stands_before_the_predicted_one():
    assert colors(draw_sheet("Wrong", [shown(name="cat")], 0.6)) == [RIGHT, WRONG]
    assert colors(draw_sheet("Correct", [shown(name="dog")], 0.6)) == [RIGHT]


def test_sixty_images_with_all_methods_have_a_bound():
    few, many = draw_sheet("Wrong", [shown(methods=12)], 0.6), draw_sheet("Wrong", [shown(methods=12)] * 60, 0.6)
    assert many.width * many.height < 2 * MOST_PIXELS
    assert few.height == HEADING + TITLE + SIDE + CAPTION + 12


def test_sheets_grow_in_both_directions():
    one, many = draw_sheet("Wrong", [shown()], 0.6), draw_sheet("Wrong", [shown()] * 9, 0.6)
    assert many.width > one.width
    assert many.height > one.height
    assert 0.5 < many.width / many.height < 2


def test_a_heading_is_shown_to_its_end_above_a_single_image():
    heading = "Correct predictions, the most confident of each class"
    first, last = (draw_sheet(f"{heading} {end}", [shown()], 0.6) for end in ("first", "lasts"))
    assert np.any(np.asarray(first)[:TITLE] != np.asarray(last)[:TITLE, : first.width])


def test_an_empty_kind_is_said_to_be_empty():
    empty = draw_sheet("Wrong", [], 0.6)
    assert np.array_equal(np.asarray(empty), np.asarray(draw_message(["Wrong: none"])))


def test_png_bytes_repeat(tmp_path):
    save_png(tmp_path / "a.png", draw_message(["Nothing to explain"]))
    save_png(tmp_path / "b.png", draw_message(["Nothing to explain"]))
    first = (tmp_path / "a.png").read_bytes()
    assert first == (tmp_path / "b.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert b"tEXt" not in first
