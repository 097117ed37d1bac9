"""Corrections of images whose files were renamed, deleted or copied since."""

import hashlib
from pathlib import Path

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.open import open_source
from sightline.preparing.correct import correct
from sightline.preparing.corrections import read_corrections

RAW = Path("data/raw")
GOOD, BLURRED = b"good", b"blurred"
DIGEST = hashlib.sha256(BLURRED).hexdigest()


@pytest.fixture
def apply(workspace):
    """Return what is left, and what is told, of files given by id where rows of id, action and label apply."""

    def run(files: dict[str, bytes], *rows: str, source: str = "data/raw/photos"):
        for name, content in files.items():
            path = RAW / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        table = RAW / "corrections.csv"
        table.write_text("\n".join(["id,action,label,sha256", *(f"{row},{DIGEST}" for row in rows)]))
        listing, container = open_source(source)
        counts = correct(listing, container, read_corrections(table), 100)
        return dict(zip(listing.paths, listing.classes, strict=True)), counts, listing.notes

    return run


def test_a_removed_image_stays_removed_under_another_id(apply):
    left, counts, notes = apply({"cat/a.png": GOOD, "dog/renamed.png": BLURRED}, "cat/x.png,remove,")
    assert (left, counts["removed"]) == ({"cat/a.png": "cat"}, 1)
    assert notes == [
        "1 corrections apply to images that have another id now (found by sha256): 'cat/x.png' is 'dog/renamed.png': "
        "mend the ids, or delete rows whose image is gone"
    ]


def test_a_changed_label_goes_with_its_image(apply):
    files = {"cat/a.png": GOOD, "cat/renamed.png": BLURRED, "dog/b.png": b"3"}
    left, counts, _ = apply(files, "cat/x.png,relabel,dog")
    assert (left["cat/renamed.png"], counts["relabelled"]) == ("dog", 1)


def test_what_was_removed_and_is_gone_is_told_and_not_counted(apply):
    left, counts, notes = apply({"cat/a.png": GOOD}, "cat/x.png,remove,")
    assert (left, counts["removed"]) == ({"cat/a.png": "cat"}, 0)
    assert notes == ["1 corrections remove images that the source does not list any more: 'cat/x.png'"]
    with pytest.raises(
        SightlineError, match=r"line 2: prepare\.source has no labelled image 'cat/x\.png': mend the id"
    ):
        apply({}, "cat/x.png,keep,")


def test_as_many_rows_as_copies_go_with_them_and_one_that_has_a_row_keeps_it(apply):
    files = {"cat/a.png": GOOD, "cat/y.png": BLURRED, "cat/z.png": BLURRED}
    assert apply(files, "cat/x.png,remove,", "cat/w.png,remove,")[:2] == (
        {"cat/a.png": "cat"},
        {"kept": 0, "relabelled": 0, "removed": 2},
    )
    left, counts, _ = apply(files, "cat/x.png,remove,", "cat/y.png,keep,")
    assert (set(left), counts["removed"]) == ({"cat/a.png", "cat/y.png"}, 1)


@pytest.mark.parametrize("rows", [["cat/x.png,remove,"], ["cat/x.png,remove,", "cat/w.png,keep,"]])
def test_where_it_is_open_which_copy_is_meant_a_line_asks(apply, rows):
    files = {"cat/a.png": GOOD, "cat/y.png": BLURRED, "cat/z.png": BLURRED}
    with pytest.raises(SightlineError, match=r"'cat/x\.png', but its sha256 under 'cat/y\.png', 'cat/z\.png': put the"):
        apply(files, *rows)


def test_a_copy_stays_where_the_removed_image_is_there_and_no_table_lists_it(apply):
    """As after `make label`, whose table of a folder lists what prepare had left in it, by longer ids."""
    (RAW / "photos_labelled.csv").write_text("path,label\nphotos/cat/a.png,cat\nphotos/dog/copy.png,dog\n")
    files = {"cat/a.png": GOOD, "cat/x.png": BLURRED, "dog/copy.png": BLURRED}
    left, counts, notes = apply(files, "cat/x.png,remove,", source="data/raw/photos_labelled.csv")
    assert (left["photos/dog/copy.png"], counts["removed"]) == ("dog", 0)
    assert notes == ["1 corrections remove images that the source does not list any more: 'cat/x.png'"]
    (RAW / "photos/cat/x.png").unlink()
    del files["cat/x.png"]
    left, counts, _ = apply(files, "cat/x.png,remove,", source="data/raw/photos_labelled.csv")
    assert (set(left), counts["removed"]) == ({"photos/cat/a.png"}, 1)
