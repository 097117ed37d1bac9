import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.preparing.corrections import read_corrections
from sightline.reviewing.neighbours import nearest
from sightline.reviewing.page import write_page
from sightline.reviewing.proposals import propose
from sightline.reviewing.table import as_table, describe, merge, refuse_unknown, tabulate

CLASSES = ["cat", "dog", "cow"]


def issues(probability) -> pd.DataFrame:
    count = len(probability)
    return pd.DataFrame(
        {
            "id": [f"{row}.png" for row in range(count)],
            "row": range(count),
            "subset": "train",
            "label": 0,
            "suggested": 1,
            "own_probability": 0.1,
            "probability": probability,
            "reason": "confident learning",
        }
    )


def test_proposals_weigh_the_neighbours_and_the_probability():
    near = np.array(
        [[1, 1, 1, 0, 2], [0, 0, 0, 1, 1], [0, 2, 2, 1, 2], [0, 2, 2, 1, 2], [2, 2, 2, 2, 2], [1, 1, 1, 1, 0]]
    )
    found = propose(issues([0.4, 0.9, 0.4, 0.6, np.nan, np.nan]), near)
    assert found["action"].tolist() == ["relabel", "keep", "remove", "relabel", "remove", "relabel"]
    assert found["proposed"].tolist() == [1, 0, 0, 1, 0, 1]


def test_without_neighbours_the_probability_decides():
    assert propose(issues([0.6, 0.4]), np.empty((2, 0), dtype=int))["action"].tolist() == ["relabel", "keep"]


def test_neighbours_are_the_nearest_by_angle_and_never_the_image_itself():
    vectors = np.float32([[1, 0], [10, 1], [0, 1], [1, 1], [0, 0]])
    assert nearest(vectors, np.array([0, 2]), 2).tolist() == [[1, 3], [3, 1]]
    assert nearest(vectors[:2], np.array([1]), 5).tolist() == [[0]]


@pytest.fixture
def table() -> pd.DataFrame:
    proposals = propose(issues([0.9, 0.4]), np.array([[1, 1, 1], [2, 2, 2]]))
    return tabulate(proposals, CLASSES, [["dog: a.png", "dog: b.png"], []], ["ab", ""])


def test_what_is_proposed_is_read_as_decisions_that_take_the_place_of_earlier_ones(table, tmp_path):
    path = tmp_path / "review.csv"
    table.to_csv(path, index=False)
    decisions = read_corrections(path)
    assert [(one.id, one.decision, one.sha256) for one in decisions.values()] == [
        ("0.png", ("relabel", "dog"), "ab"),
        ("1.png", ("remove", ""), ""),
    ]
    older = tmp_path / "corrections.csv"
    older.write_text(
        "id,action,label,who,when,reason,sha256\n1.png,keep,,Bob,2025-01-01,,\n2.png,keep,,Bob,2025-01-01,,\n"
    )
    merged = as_table(merge(read_corrections(older), decisions, "Ann", "2026-01-02"))
    assert merged["label"].tolist() == ["dog", "", ""]
    assert merged[["id", "action", "who", "when"]].to_numpy().tolist() == [
        ["0.png", "relabel", "Ann", "2026-01-02"],
        ["1.png", "remove", "Ann", "2026-01-02"],
        ["2.png", "keep", "Bob", "2025-01-01"],
    ]
    assert describe(decisions, Path("c.csv"))[0] == "review: 2 decisions (1 to relabel, 1 to remove) are in c.csv"


def test_decisions_on_other_images_or_classes_are_refused(table, tmp_path):
    path = tmp_path / "review.csv"
    table.to_csv(path, index=False)
    decisions = read_corrections(path)
    refuse_unknown(decisions, {"0.png", "1.png"}, CLASSES)
    with pytest.raises(SightlineError, match=r"line 3: data/prepared/index.csv has no image '1.png'"):
        refuse_unknown(decisions, {"0.png"}, CLASSES)
    with pytest.raises(SightlineError, match="line 2: no class is called 'dog': the classes are 'cat'"):
        refuse_unknown(decisions, {"0.png", "1.png"}, ["cat"])


def test_the_page_holds_the_table_and_no_name_ends_its_script(table):
    table = table.assign(id=["</script>0.png", "1.png"])
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    page = write_page(table, [picture, picture], [[("dog", picture)], []], CLASSES)
    assert page.count("<article") == 2
    assert page.count("<figure>") == 1
    assert "http" not in page.replace("http-equiv", "")
    rows = page.partition('id="rows">')[2].partition("</script>")[0]
    content = json.loads(rows)
    assert content["columns"][:3] == ["id", "action", "label"]
    assert content["data"][0][:3] == ["</script>0.png", "relabel", "dog"]
