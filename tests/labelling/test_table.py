"""Labels in the table that prepare reads."""

import pandas as pd

from sightline.images.sources.naming import PLAIN, Naming
from sightline.labelling.destination import make_table
from sightline.labelling.table import Change, Table, read_source_table, write_source_table

KAGGLE = Naming(path="{id}.jpg", label="breed", group="group", subset="subset")


def test_a_row_without_a_label_gets_it_and_trains():
    table = Table(["path", "label", "camera"], [["a.jpg", "cat", "1"], ["b.jpg", "", "2"]])
    table.fix_division({"a.jpg": "test"}, PLAIN)
    assert table.set_labels({"b.jpg": "dog"}, PLAIN) == [Change("b.jpg", "", "dog")]
    assert table.header == ["path", "label", "camera", "subset"]
    assert table.rows == [["a.jpg", "cat", "1", "test"], ["b.jpg", "dog", "2", "train"]]


def test_another_label_is_told_with_the_one_before_and_moves_no_image():
    table = Table(["path", "label", "subset"], [["a.jpg", "cat", "val"]])
    assert table.set_labels({"a.jpg": "dog"}, PLAIN) == [Change("a.jpg", "cat", "dog")]
    assert table.rows == [["a.jpg", "dog", "val"]]


def test_the_same_label_changes_nothing():
    table = Table(["path", "label", "subset"], [["a.jpg", "cat", ""]])
    assert table.set_labels({"a.jpg": "cat"}, PLAIN) == []
    assert table.rows == [["a.jpg", "cat", ""]]


def test_an_image_that_has_no_row_gets_one():
    table = Table(["label", "path", "subset"], [["cat", "a.jpg", "test"]])
    assert table.set_labels({"pool/b.jpg": "dog"}, PLAIN) == [Change("pool/b.jpg", "", "dog")]
    assert table.rows[1] == ["dog", "pool/b.jpg", "train"]


def test_rows_that_are_missing_are_added_with_their_columns():
    table = Table(["path", "label", "subset"], [["a.jpg", "dog", "val"], ["pool/c.jpg", "cat", "train"]])
    made = Table(["path", "label", "camera"], [["a.jpg", "cat", "1"], ["b.jpg", "cat", "2"]])
    assert table.add_missing(made, PLAIN) == 1
    assert table.header == ["path", "label", "subset", "camera"]
    added = ["b.jpg", "cat", "", "2"]
    assert table.rows == [["a.jpg", "dog", "val", ""], ["pool/c.jpg", "cat", "train", ""], added]
    assert table.add_missing(made, PLAIN) == 0


def test_a_division_that_the_table_has_stays():
    table = Table(["path", "label", "subset"], [["a.jpg", "cat", "valid"], ["b.jpg", "cat", ""]])
    table.fix_division({"a.jpg": "test", "b.jpg": "test"}, PLAIN)
    assert [row[2] for row in table.rows] == ["valid", "test"]


def test_paths_of_templates_and_of_windows_are_found():
    table = Table(["id", "breed"], [["1", ""], ["2", "pug"]])
    assert table.set_labels({"1.jpg": "boxer"}, KAGGLE) == [Change("1.jpg", "", "boxer")]
    composed = Table(["path", "label"], [["\u00e4.jpg", ""]])
    assert composed.set_labels({"a\u0308.jpg": "cat"}, PLAIN) == [Change("\u00e4.jpg", "", "cat")]
    windows = Table(["path", "label"], [["a\\1.jpg", ""]])
    assert windows.set_labels({"a/1.jpg": "cat"}, PLAIN) == [Change("a/1.jpg", "", "cat")]
    assert windows.rows[0][0] == "a\\1.jpg"


def test_a_table_is_written_as_it_was(tmp_path):
    text = 'File;Breed;note\nä, b.jpg;"the ""cat""";1\nc.jpg;;2\n'
    (tmp_path / "table.csv").write_text(text)
    naming = Naming(path="file", label="breed", group="group", subset="subset")
    table = read_source_table(tmp_path / "table.csv", naming)
    assert table.header == ["file", "breed", "note"]
    write_source_table(tmp_path / "table.csv", table)
    assert (tmp_path / "table.csv").read_text() == text
    table.set_labels({"c.jpg": "dog"}, naming)
    write_source_table(tmp_path / "table.csv", table)
    wanted = 'File;Breed;note;subset\nä, b.jpg;"the ""cat""";1;\nc.jpg;dog;2;train\n'
    assert (tmp_path / "table.csv").read_text() == wanted


def test_utf_16_becomes_utf_8(tmp_path):
    (tmp_path / "table.csv").write_text("path\tlabel\na.jpg\tcat\n", encoding="utf-16")
    write_source_table(tmp_path / "table.csv", read_source_table(tmp_path / "table.csv", PLAIN))
    assert (tmp_path / "table.csv").read_text() == "path\tlabel\na.jpg\tcat\n"


def test_a_folder_becomes_a_table_with_what_prepare_knows():
    index = pd.DataFrame(
        {
            "id": ["cat/1.jpg", "dog/2.jpg"],
            "label": [0, 1],
            "class": ["cat", "dog"],
            "group": ["", ""],
            "subset": ["", ""],
            "width": [8, 8],
            "height": [8, 8],
            "sha256": [b"0", b"1"],
            "phash": [b"0", b"1"],
            "camera": ["left", ""],
        }
    )
    table = make_table(index, "photos.zip/", ["pool/3.jpg"])
    assert table.header == ["path", "label", "camera"]
    assert table.rows == [
        ["photos.zip/cat/1.jpg", "cat", "left"],
        ["photos.zip/dog/2.jpg", "dog", ""],
        ["pool/3.jpg", "", ""],
    ]
