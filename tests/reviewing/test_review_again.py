"""make review when images or labels changed since evaluate, and when a review is begun already."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commands import call
from review import Params, main
from sightline.common.files import read_json, write_json
from small_run import CLASSES, make_run

TABLE = Path("review/review.csv")
ISSUES = Path("data/predictions/label_issues.csv")
INDEX = Path("data/prepared/index.csv")
SPLIT = Path("data/split/split.csv")
STALE = "data/predictions/label_issues.csv: is of other images, labels or subsets than data/prepared and data/split "


@pytest.fixture
def doubted(workspace, encode):
    """Twelve images, of which evaluate doubts four, the last one first."""
    make_run(workspace, ("train", "val", "test") * 4)
    write_json("data/prepared/dataset.json", read_json("data/prepared/dataset.json") | {"source": "data/raw/photos"})
    index = pd.read_csv(INDEX)
    for row, name in enumerate(index["id"]):
        path = Path("data/raw/photos") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode((16, 16), seed=row))
    rows = [11, 7, 4, 0]
    numbers = {"own_probability": 0.1, "probability": 0.8, "reason": "confident learning"}
    of = index.iloc[rows]
    table = pd.DataFrame({"id": of["id"], "row": rows, "subset": pd.read_csv(SPLIT)["subset"][rows]})
    table = table.assign(label=of["class"], suggested=np.where(of["class"] == "ant", "bee", "ant"), **numbers)
    table.to_csv(ISSUES, index=False)
    return table


def review(*options):
    return call(main, Params, *options)


def actions():
    table = pd.read_csv(TABLE, keep_default_na=False)
    return dict(zip(table["id"], table["action"], strict=True))


def leave_out(*, row):
    """Prepare and split as they do after an image has gone."""
    images = Path("data/prepared/images.npy")
    np.save(images, np.delete(np.load(images), row, axis=0))
    for path in (INDEX, SPLIT):
        pd.read_csv(path, keep_default_na=False).drop(index=row).to_csv(path, index=False)


def change(path, row, **cells):
    table = pd.read_csv(path, keep_default_na=False)
    for column, value in cells.items():
        table.loc[row, column] = value
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("meanwhile", "first"),
    [
        (lambda: leave_out(row=2), f"{CLASSES[2]}/11.png"),  # all later rows moved, the last one out of the table
        (lambda: leave_out(row=6), f"{CLASSES[2]}/11.png"),
        (lambda: change(INDEX, 4, label=2, **{"class": CLASSES[2]}), f"{CLASSES[1]}/4.png"),
        (lambda: change(SPLIT, 7, subset="train"), f"{CLASSES[1]}/7.png"),
    ],
)
@pytest.mark.parametrize("most", ["1", "100"])
def test_issues_of_other_images_are_refused_in_one_line(doubted, meanwhile, first, most):
    meanwhile()
    status, said = review("--most", most)
    assert (status, said) == (1, f"{STALE}(first {first!r}): run `dvc repro evaluate`\n")
    assert not TABLE.exists()


def test_what_only_decided_labels_changed_is_reviewed_further(doubted):
    Path("data/raw/corrections.csv").write_text(f"id,action,label\n{CLASSES[1]}/4.png,relabel,{CLASSES[2]}\n")
    change(INDEX, 4, label=2, **{"class": CLASSES[2]})
    assert review()[0] == 0
    assert list(actions()) == [name for name in doubted["id"] if not name.endswith("/4.png")]


def test_new_proposals_take_the_place_of_those_that_nobody_edited(doubted):
    assert review("--most", "2")[0] == 0
    assert review()[0] == 0
    assert list(actions()) == doubted["id"].tolist()
    assert sorted(path.name for path in Path("review").iterdir()) == [
        "index.html",
        "proposed.csv",
        "review.csv",
        "review.png",
    ]


@pytest.mark.parametrize("cells", [{"action": ""}, {"action": "remove"}, {"who": "Ann"}, {"reason": "blurred"}])
def test_what_a_person_edited_is_not_replaced_before_it_is_applied(doubted, cells):
    review()
    change(TABLE, 1, **cells)
    edited = TABLE.read_bytes()
    status, said = review("--most", "2")
    assert (status, said.count("\n"), TABLE.read_bytes()) == (1, 1, edited)
    assert said.startswith(f"{TABLE}: was edited, and ")
    assert "`make review APPLY=review/review.csv`, or rename it" in said


def test_an_applied_table_is_kept_beside_the_new_one(doubted):
    review()
    change(TABLE, 1, action="", reason="ask Ann")
    edited = TABLE.read_bytes()
    assert review("--apply", str(TABLE), "--who", "Bob")[0] == 0
    status, said = review()
    assert (status, list(actions())) == (0, [doubted["id"].iloc[1]])
    assert "review: review/review.csv is applied: it is review/applied_1.csv now\n" in said
    assert Path("review/applied_1.csv").read_bytes() == edited
    change(TABLE, 0, action="keep", who="Ann")
    assert review("--apply", str(TABLE))[0] == 0
    change(TABLE, 0, action="remove")
    assert review()[0] == 0  # nothing is left to look at, and nothing is written
    assert actions() == {doubted["id"].iloc[1]: "remove"}
