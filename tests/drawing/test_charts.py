import warnings
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sightline.drawing.canvas import save_png
from sightline.drawing.charts import draw_mistakes
from sightline.scoring.charts import draw_reliability, select_mistakes
from sightline.scoring.metrics.calibration_error import reliability_table

NAMES = ["cat", "a name that is far too long to stand below a tile of the grid", "$5 {is_no^formula", "Ш"]


def predictions(label: list[int], predicted: list[int], confidence: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"label": label, "predicted": predicted, "confidence": confidence})


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.texts + [text for axes in figure.axes for text in axes.texts]]


def test_the_most_confident_mistakes_come_first():
    shown, heading = select_mistakes(predictions([0, 0, 1, 1], [0, 1, 0, 0], [0.99, 0.6, 0.6, 0.9]), most=2)
    assert list(shown.index) == [3, 1]
    assert heading == "3 of 4 test images are wrong, the 2 most confident"


@pytest.mark.parametrize(
    ("test", "heading"),
    [
        (predictions([], [], []), "There are no test images"),
        (predictions([0, 1], [0, 1], [1.0, 1.0]), "All 2 test images are right"),
    ],
)
def test_without_mistakes_the_picture_says_so(test, heading):
    shown, found = select_mistakes(test, most=5)
    figure = draw_mistakes(shown, np.empty((0, 8, 8, 3), dtype=np.uint8), NAMES, found)
    assert shown.empty
    assert texts(figure) == [heading]


@pytest.mark.parametrize(("count", "side"), [(1, 8), (7, 300)])
def test_mistakes_are_drawn_with_awkward_class_names(tmp_path, count, side):
    mistakes = predictions([1] * count, [2] * count, [0.5] * count)
    figure = draw_mistakes(mistakes, np.zeros((count, side, side, 3), dtype=np.uint8), NAMES, "heading")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_png(tmp_path / "mistakes.png", figure)
    assert len(figure.axes[0].images) == count
    actual, predicted, confidence = (text.get_text() for text in figure.axes[0].texts[:3])
    assert actual.startswith("a name that") and actual.endswith("…") and len(actual) < 30
    assert predicted == "→ $5 {is_no^formula"
    assert confidence == "50.0 % sure"


def test_reliability_is_drawn_with_and_without_images():
    some = reliability_table(np.array([[0.75, 0.25], [0.75, 0.25]]), np.array([0, 1]), bins=4)
    none = reliability_table(np.empty((0, 2)), np.empty(0, dtype=int), bins=4)
    left, right = draw_reliability({"before": none, "after": some}, bins=4).axes
    assert left.get_title(loc="left") == "before: no images"
    assert right.get_title(loc="left") == "after: ECE 0.250"


def test_pictures_have_the_same_bytes_each_time(tmp_path):
    table = reliability_table(np.array([[0.75, 0.25], [1.0, 0.0]]), np.array([0, 1]), bins=15)
    for name in ("one.png", "two.png"):
        save_png(tmp_path / name, draw_reliability({"test": table}, bins=15))
    content = (tmp_path / "one.png").read_bytes()
    assert content == (tmp_path / "two.png").read_bytes()
    assert not {"Software", "Date"} & set(Image.open(BytesIO(content)).info)
