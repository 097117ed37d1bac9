import numpy as np
import pytest

from sightline.explaining.panels import Explained, draw_message, draw_overview, draw_panel, overlay, save_png, tile_side


def shown(side: int = 192, name: str = "cat") -> Explained:
    heat = np.linspace(0, 1, side * side, dtype=np.float32).reshape(side, side)
    return Explained(np.full((32, 32, 3), 200, np.uint8), heat, "dog", name, 0.875)


@pytest.mark.parametrize(
    ("size", "side"), [(8, 192), (28, 196), (32, 192), (64, 192), (96, 192), (224, 224), (384, 384)]
)
def test_images_are_enlarged_by_a_whole_number(size, side):
    assert tile_side(size) == side


def test_overlay_by_hand():
    image = np.full((1, 3, 3), 100, np.uint8)
    heat = np.array([[0.0, 0.25, 1.0]], np.float32)
    found = overlay(image, heat, alpha=0.5)
    assert found[0, 0].tolist() == [100, 100, 100]  # nothing where the map is 0
    colors = overlay(np.zeros_like(image), np.ones_like(heat), alpha=1.0)[0, 0].astype(float)
    np.testing.assert_allclose(found[0, 2], 0.5 * 100 + 0.5 * colors, atol=0.51)
    assert (overlay(image, heat, alpha=0.0) == image).all()
    assert abs(found[0, 1].astype(int) - 100).max() > 0


def test_panel_shows_image_map_and_overlay():
    side = 192
    pixels = np.asarray(draw_panel(shown(side), alpha=0.6))
    assert pixels.shape == (side + 76, 3 * side + 48, 3)
    image, heat, both = (pixels[44 : 44 + side, 12 + k * (side + 12) :][:, :side] for k in range(3))
    assert (image == 200).all()
    assert (heat[0, 0] != heat[-1, -1]).any()
    np.testing.assert_array_equal(both, overlay(image, shown(side).map, 0.6))


def test_long_names_stay_inside():
    short, long = draw_panel(shown(), 0.6), draw_panel(shown(name="a very long class name " * 20), 0.6)
    assert long.size == short.size
    margin = np.asarray(long)[:40, -11:]
    assert (margin == 255).all()


def test_overview_grows_with_its_groups():
    full = draw_overview({"Correct": [shown()] * 7, "Wrong": []}, alpha=0.6)
    assert full.width > draw_overview({"Correct": [shown()], "Wrong": []}, alpha=0.6).width
    assert full.height > draw_overview({"Correct": [shown()] * 7}, alpha=0.6).height


def test_png_bytes_repeat(tmp_path):
    save_png(tmp_path / "a.png", draw_message(["Nothing to explain"]))
    save_png(tmp_path / "b.png", draw_message(["Nothing to explain"]))
    first = (tmp_path / "a.png").read_bytes()
    assert first == (tmp_path / "b.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert b"tEXt" not in first
