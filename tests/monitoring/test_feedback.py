import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.monitoring.feedback import join, most_useful, rates, read_feedback
from sightline.monitoring.lines import Seen

CLASSES = ["ant", "bee"]


def seen(request, image, predicted="ant", sure=0.9, brightness=0.5):
    top = {predicted: sure, "other": 1 - sure}
    return Seen("2026-01-02T03:04:05.678Z", request, image, predicted, sure, top, {"brightness": brightness})


def test_labels_are_joined_by_image_or_by_the_request_of_one_image(tmp_path):
    path = tmp_path / "feedback.csv"
    path.write_text("request,image,label\nr1,,ant\n,i2,bee\nr3,,bee\n,i2,ant\n")
    answered = [seen("r1", "i1"), seen("r2", "i2"), seen("r3", "i3"), seen("r3", "i4"), seen("r5", "i5")]
    table = join(answered, read_feedback(path, CLASSES))
    assert [label if isinstance(label, str) else None for label in table["label"]] == ["ant", "ant", None, None, None]
    assert table["margin"].tolist() == pytest.approx([0.8] * 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label\n,ant\n", "line 2: has neither image"),
        ("x,label\n1,ant\n", "line 2: has neither image"),
        ("image,label\ni,wasp\n", "line 2: label 'wasp': is none of the model's classes"),
        ("image,colour\ni,wasp\n", "line 2: label None: is none"),
        (b"\xff\xfe\x00", "not a CSV in UTF-8"),
    ],
)
def test_a_bad_row_is_one_line(tmp_path, text, message):
    path = tmp_path / "feedback.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SightlineError, match=message):
        read_feedback(path, CLASSES)


def test_accuracy_with_its_interval_and_the_worst_slice_first():
    answered = [seen(f"a{row}", f"a{row}", "ant", 0.95) for row in range(10)]
    answered += [seen(f"b{row}", f"b{row}", "bee", 0.6) for row in range(10)]
    labels = {"image": {image.image: "ant" for image in answered}, "request": {}}
    found = {rate.name: rate for rate in rates(join(answered, labels))}
    assert next(iter(found)) == "all"
    assert found["all"][1:] == (20, 0.5, 0.2993, 0.7007)  # Wilson: 1.96^2 / 20 widens 0.5 +- 0.2007
    assert found["predicted bee"][1:4] == (10, 0.0, 0.0)
    assert list(found)[1] in {"predicted bee", "confidence (0.5, 0.7]"}
    assert rates(join(answered, {"image": {}, "request": {}})) == []


def test_the_least_sure_images_of_each_class_are_labelled_next():
    table = pd.DataFrame(
        {
            "label": [None, None, None, None, "ant", None],
            "predicted": ["ant", "ant", "ant", "bee", "bee", "ant"],
            "margin": [0.3, 0.1, 0.2, 0.5, 0.0, 0.1],
            "image": ["a", "b", "c", "d", "e", "b"],
        }
    )
    assert most_useful(table, 3)["image"].tolist() == ["b", "d", "c"]
