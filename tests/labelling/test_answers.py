"""What people answered, from Label Studio's own JSON."""

import json

import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.labelling.answers import Answer, describe_classes, describe_missing, read_answers
from sightline.labelling.label_studio import to_config, to_tasks

FILES = ["0123456789abcdef.jpg", "fedcba9876543210.png"]
BATCH = pd.DataFrame(
    {"rank": [1, 2], "file": FILES, "id": ["a.jpg", "b.tif"], "prediction": ["cat", "dog"], "confidence": [0.5, 0.75]}
)


def said(label: str, who: int | dict = 1, moment: str = "2026-01-02T03:04:05Z", **further) -> dict:
    mark = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
    return {"completed_by": who, "updated_at": moment, "result": [mark]} | further


def export(tmp_path, *annotations: list[dict]):
    tasks = to_tasks(BATCH, "/data/local-files/?d=labels/1/images/")
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task | {"annotations": each} for task, each in zip(tasks, annotations, strict=True)]))
    return path


def test_tasks_carry_the_prediction():
    first = to_tasks(BATCH, "/data/local-files/?d=labels/1/images/")[0]
    assert first["data"] == {
        "image": "/data/local-files/?d=labels/1/images/0123456789abcdef.jpg",
        "path": "a.jpg",
        "rank": 1,
    }
    assert first["predictions"] == [
        {
            "model_version": "sightline",
            "score": 0.5,
            "result": [{"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": ["cat"]}}],
        }
    ]


def test_the_configuration_names_all_classes():
    config = to_config(["cat", 'a "dog" & more'])
    assert '<Choice value="cat" />' in config
    assert '<Choice value="a &quot;dog&quot; &amp; more" />' in config


def test_most_annotators_decide_and_all_are_named(tmp_path):
    votes = [said("cat", 1), said("dog", 2), said("cat", 7, "2026-02-01T00:00:00Z")]
    answers = read_answers(export(tmp_path, votes, []), FILES)
    assert answers.given == [Answer(FILES[0], "cat", "1;2;7", "2026-02-01T00:00:00Z", pytest.approx(2 / 3))]
    assert answers.missing == [(FILES[1], "not annotated")]
    told = "1 images keep what they had, no label or an earlier one: 1 not annotated"
    assert describe_missing(answers.missing) == told


def test_annotators_are_named_as_well_as_the_export_tells(tmp_path):
    told = [
        {"id": 3, "email": "a@b.org", "first_name": "Ada", "last_name": "Byron"},
        {"id": 4, "email": "", "first_name": "Carl", "last_name": "Gauss"},
        {"id": 5, "email": "", "first_name": "Carl", "last_name": "Gauss"},  # another of that name: another vote
        {"id": 6, "email": None, "first_name": "", "last_name": ""},
        7,
    ]
    (answer,) = read_answers(export(tmp_path, [said("cat", who) for who in told], []), FILES).given
    assert answer.annotators == "6;7;Carl Gauss (4);Carl Gauss (5);a@b.org"


def test_ties_and_skipped_images_stay_in_the_pool(tmp_path):
    path = export(tmp_path, [said("cat", 1)], [said("cat", 1), said("dog", 2)])
    assert read_answers(path, FILES).missing == [(FILES[1], "annotators disagree: cat 1, dog 1")]
    path = export(tmp_path, [said("cat", 1)], [said("dog", 1, was_cancelled=True)])
    assert read_answers(path, FILES).missing == [(FILES[1], "skipped by its annotators")]


def test_other_tools_answer_by_the_names_of_the_copies(tmp_path):
    cvat = f'<annotations><version>1.1</version><meta/><image id="0" name="images/{FILES[0]}" width="8" height="8">'
    (tmp_path / "cvat.xml").write_text(f'{cvat}<tag label="bee" source="manual"></tag></image></annotations>')
    coco = {
        "images": [{"id": 1, "file_name": FILES[0]}],
        "categories": [{"id": 3, "name": "bee"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    for name in ("cvat.xml", "coco.json"):
        assert read_answers(tmp_path / name, FILES).given == [Answer(FILES[0], "bee", "", "", 1.0)]


def test_predictions_are_no_answers(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(to_tasks(BATCH, "/data/local-files/?d=")))
    with pytest.raises(SightlineError, match="nobody has labelled any of its 2 images"):
        read_answers(path, FILES)


def test_the_export_of_another_project_is_told(tmp_path):
    path = export(tmp_path, [said("cat")], [said("dog")])
    with pytest.raises(SightlineError, match="none of its 2 images is in a batch here: is it the export of another"):
        read_answers(path, ["1111111111111111.jpg"])


def test_images_of_no_batch_are_counted(tmp_path):
    answers = read_answers(export(tmp_path, [said("cat")], [said("dog")]), FILES[:1])
    assert (len(answers.given), answers.strangers) == (1, 1)


@pytest.mark.parametrize(("name", "content"), [("notes.txt", "x"), ("export.json", "[]"), ("export.json", "{}")])
def test_what_is_no_export_is_told(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(SightlineError, match="no export that is known"):
        read_answers(tmp_path / name, FILES)


def test_a_missing_export_is_told(tmp_path):
    with pytest.raises(SightlineError, match="not found"):
        read_answers(tmp_path / "export.json", FILES)


def test_new_classes_are_told():
    answers = [Answer("a", "fox", "1", "", 1.0), Answer("b", "cat", "1", "", 1.0), Answer("c", "fox", "1", "", 1.0)]
    assert "the next training learns: fox (2 images, prepare wants 2 at least);" in describe_classes(answers, ["cat"])
    assert describe_classes(answers, ["cat", "fox"]) == ""
