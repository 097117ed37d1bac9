"""Labels once known stay known: from feedback, from what was filled in, when the log has forgotten the image."""

import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import read_table, write_table
from sightline.monitoring.folders import read_labelled, recall, write_images, write_labelled

CLASSES = ["ant", "bee"]
COLUMNS = ("path", "label", "predicted")


def answers(**labels):
    rows = [(label, "ant", 0.1, name) for name, label in labels.items()]
    return pd.DataFrame(rows, columns=["label", "predicted", "margin", "image"])


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "log").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / f"log/{name}.png").write_bytes(name.encode())
    return tmp_path / "log"


def turn(out, kept, table):
    """What `make monitor` does with the labels that it is given in one run."""
    known = read_labelled(out, CLASSES)
    table = recall(table, known)
    write_labelled(out, known, table, kept)
    write_images(out / "label_next", table[table["label"].isna()], kept)
    return dict(zip(table["image"], table["label"].astype(object).fillna(""), strict=True))


def test_labels_are_remembered_and_new_ones_count(tmp_path, kept):
    assert turn(tmp_path, kept, answers(a="ant", b=None)) == {"a": "ant", "b": ""}
    assert turn(tmp_path, kept, answers(a=None, b=None, c=None)) == {"a": "ant", "b": "", "c": ""}
    assert turn(tmp_path, kept, answers(a="bee", c=None)) == {"a": "bee", "c": ""}
    (kept / "a.png").unlink()
    assert turn(tmp_path, kept, answers(b="ant")) == {"b": "ant"}  # the log has no a any more
    table = read_table(tmp_path / "labelled/labels.csv", text=COLUMNS)
    assert table.values.tolist() == [["images/a.png", "bee", "ant"], ["images/b.png", "ant", "ant"]]
    assert (tmp_path / "labelled/images/a.png").read_bytes() == b"a"


def test_what_is_filled_in_is_taken_and_never_lost(tmp_path, kept):
    turn(tmp_path, kept, answers(a=None, b=None))
    (kept / "b.png").unlink()
    path = tmp_path / "label_next/labels.csv"
    table = read_table(path, text=COLUMNS)
    assert table["path"].tolist() == ["images/a.png", "images/b.png"]
    write_table(path, table.assign(label=["", " bee "]))
    assert turn(tmp_path, kept, answers(a=None, b=None)) == {"a": "", "b": "bee"}
    assert (tmp_path / "labelled/images/b.png").read_bytes() == b"b"
    assert read_table(path, text=COLUMNS)["path"].tolist() == ["images/a.png"]
    write_table(path, table.assign(label="wasp"))
    with pytest.raises(SightlineError, match="label 'wasp': is none of the model's classes"):
        read_labelled(tmp_path, CLASSES)
    assert read_table(path, text=COLUMNS)["label"].tolist() == ["wasp", "wasp"]


def test_an_image_that_was_not_kept_is_named_by_its_hash(tmp_path, kept):
    turn(tmp_path, kept, answers(x="ant", y=None))
    assert read_table(tmp_path / "labelled/labels.csv", text=COLUMNS)["path"].tolist() == ["x"]
    assert read_table(tmp_path / "label_next/labels.csv", text=COLUMNS)["path"].tolist() == ["y"]
