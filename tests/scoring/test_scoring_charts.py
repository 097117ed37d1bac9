import warnings

import numpy as np
import pytest

from sightline.drawing.canvas import DPI, save_png
from sightline.scoring.charts import NAMED, draw_confusion


def cells(figure) -> dict[tuple[int, int], str]:
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in figure.axes[0].texts
    }


def test_rows_are_actual_and_columns_predicted_classes():
    figure = draw_confusion(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]), ["a", "b", "c"])
    axes = figure.axes[0]
    assert cells(figure) == {(0, 0): "1", (0, 1): "2", (1, 1): "1"}
    share = axes.images[0].get_array()
    assert share[0].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert share[2].tolist() == [0, 0, 0]  # a class without images
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("actual class", "predicted class")


def test_no_images_leave_a_blank_matrix():
    empty = np.empty(0, dtype=int)
    figure = draw_confusion(empty, empty, ["a", "b"])
    assert cells(figure) == {}
    assert figure.axes[0].get_title(loc="left") == "0 test images"


def test_many_awkward_class_names_are_drawn(tmp_path):
    classes = [f"$a_{{very}} long name {'x' * 40} {number}" for number in range(67)]
    figure = draw_confusion(np.arange(67), np.arange(67), classes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_png(tmp_path / "confusion.png", figure)
    assert all(label.get_text().endswith("…") for label in figure.axes[0].get_yticklabels())
    assert figure.axes[0].get_window_extent().height / figure.dpi / 67 > 0.12  # inches: a line of text of 8.5 points


def test_too_many_classes_lose_their_names_but_not_the_picture():
    count = NAMED + 1
    figure = draw_confusion(np.arange(count), np.arange(count), [str(number) for number in range(count)])
    assert cells(figure) == {}
    assert figure.axes[0].get_yticklabels() == []
    assert figure.axes[0].images[0].get_array().shape == (count, count)


@pytest.mark.parametrize("count", [2, NAMED, NAMED + 1, 5000])
def test_the_matrix_has_a_bound(count):
    width, height = draw_confusion(np.arange(count), np.arange(count), ["x" * 99] * count).get_size_inches()
    assert max(width, height) * DPI < 4500
