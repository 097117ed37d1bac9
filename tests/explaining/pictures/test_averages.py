import numpy as np
import pytest

from sightline.explaining.pictures.averages import MOST, draw_averages, mean_explanation


def test_mean_by_hand():
    pixels = [np.full((1, 2, 3), 10, np.uint8), np.full((1, 2, 3), 21, np.uint8)]
    image, heat = mean_explanation(pixels, [np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])])
    assert image.tolist() == [[[16] * 3] * 2]
    assert heat.tolist() == [[0.5, 1.0]]


def test_blank_maps_stay_blank():
    image = np.zeros((2, 2, 3), np.uint8)
    assert not mean_explanation([image], [np.zeros((2, 2))])[1].any()


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_each_class_is_drawn(classes):
    means = {f"class {k}": (np.full((32, 32, 3), 50 + k, np.uint8), np.zeros((32, 32))) for k in range(classes)}
    picture = np.asarray(draw_averages("Grad-CAM", means, 0.6))
    for k in range(classes):
        assert (picture == 50 + k).all(axis=2).sum() == 2 * 160 * 160  # the mean image, and nothing over it


def test_thousands_of_classes_make_no_larger_picture():
    one = (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8)))
    most = draw_averages("Grad-CAM", {f"class {k}": one for k in range(MOST)}, 0.6)
    assert draw_averages("Grad-CAM", {f"class {k}": one for k in range(3000)}, 0.6).size == most.size


def test_a_heading_is_shown_to_its_end_above_a_single_class():
    means = {"cat": (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8)))}
    heading = "Integrated gradients, mean over up to 20 correct test images of each class, 60 of 100 classes"
    narrow, wide = (draw_averages(text, means, 0.6) for text in ("Grad-CAM", heading))
    assert wide.width > narrow.width
    assert np.asarray(wide)[:30, narrow.width :].min() < 100  # letters stand where the narrow picture ends
