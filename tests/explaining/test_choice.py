import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.explaining.choice import choose, choose_of_classes, choose_quality_sample


def table(rows: list[tuple[int, int, float]], subset: str = "test") -> pd.DataFrame:
    predictions = pd.DataFrame(rows, columns=["label", "predicted", "confidence"])
    ids = [f"image_{row}" for row in range(len(rows))]
    return predictions.assign(id=ids, row=range(len(rows)), subset=subset)


TEST = table([(0, 0, 0.9), (0, 0, 0.95), (1, 1, 0.7), (2, 0, 0.5), (1, 1, 0.6), (0, 2, 0.9), (1, 2, 0.8), (1, 0, 0.85)])


def rows(kind: str, images: int) -> list[int]:
    return choose(TEST, [kind], images, [])[kind]["row"].tolist()


def test_classes_take_turns():
    assert rows("correct", 3) == [1, 2, 0]  # each class's most confident, by class; then the second
    assert rows("correct", 8) == [1, 2, 0, 4]
    assert rows("wrong", 8) == [5, 7, 3, 6]  # each class's most confident, by confidence; then the second of class 1
    assert rows("least_confident", 4) == [3, 4, 0, 2]


def test_ids_come_in_their_order_and_may_be_of_validation():
    predictions = pd.concat([TEST, table([(0, 0, 0.9)], "val").assign(id="other", row=8)])
    chosen = choose(predictions, [], 8, ["other", "image_2", "other"])
    assert list(chosen) == ["named"]
    assert chosen["named"]["row"].tolist() == [8, 2]
    assert choose(predictions, ["correct"], 1, [])["correct"]["row"].tolist() == [1]


def test_unknown_id():
    with pytest.raises(SightlineError, match=r"^params.yaml: gradcam.ids: 'nobody' has no prediction: .*csv$"):
        choose(TEST, ["correct"], 8, ["image_1", "nobody"])


def test_nothing_wrong_nothing_right_nothing_at_all():
    for content in ([(0, 0, 0.9)], [(0, 1, 0.9)], []):
        chosen = choose(table(content), ["correct", "wrong"], 8, [])
        assert [len(group) for group in chosen.values()] == [
            sum(label == predicted for label, predicted, _ in content),
            sum(label != predicted for label, predicted, _ in content),
        ]


def test_the_sample_does_not_depend_on_the_model():
    other = TEST.assign(predicted=1, confidence=0.1)
    assert (
        choose_quality_sample(TEST, 4)["row"].tolist()
        == choose_quality_sample(other, 4)["row"].tolist()
        == [0, 2, 3, 1]
    )
    assert choose_quality_sample(TEST, 0).empty
    assert choose_quality_sample(table([], "test"), 4).empty


def test_correct_ones_of_each_class():
    chosen = choose_of_classes(TEST, images=1, classes=8)
    assert {label: group["row"].tolist() for label, group in chosen.items()} == {0: [0], 1: [2]}
    assert list(choose_of_classes(TEST, images=9, classes=1)) == [0]
