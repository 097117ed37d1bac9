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


@pytest.mark.parametrize("row", ["cat/x.png,remove,", "cat/x.png,relabel,dog", "cat/x.png,keep,"])
def test_an_image_that_was_renamed_or_copied_is_a_persons_to_decide(apply, row):
    files = {"cat/a.png": GOOD, "dog/y.png": BLURRED, "dog/z.png": BLURRED}
    told = r"line 2: .* no labelled image 'cat/x\.png', but the same file under 'dog/y\.png', 'dog/z\.png': put the id"
    with pytest.raises(SightlineError, match=told):
        apply(files, row)


def test_an_image_that_has_a_row_of_its_own_is_not_asked_for(apply):
    files = {"cat/a.png": GOOD, "cat/y.png": BLURRED}
    left, counts, notes = apply(files, "cat/x.png,remove,", "cat/y.png,keep,")
    assert (set(left), counts["removed"], counts["kept"]) == ({"cat/a.png", "cat/y.png"}, 0, 1)
    assert notes == ["1 corrections remove images that the source does not list any more: 'cat/x.png'"]


def test_what_was_removed_and_is_gone_is_told_and_not_counted(apply):
    left, counts, notes = apply({"cat/a.png": GOOD}, "cat/x.png,remove,")
    assert (left, counts["removed"]) == ({"cat/a.png": "cat"}, 0)
    assert notes == ["1 corrections remove images that the source does not list any more: 'cat/x.png'"]
    with pytest.raises(
        SightlineError, match=r"line 2: prepare\.source has no labelled image 'cat/x\.png': mend the id"
    ):
        apply({}, "cat/x.png,keep,")


def test_a_copy_stays_where_the_removed_image_is_there_and_no_table_lists_it(apply):
    """As after `make label`, whose table of a folder lists what prepare had left in it, by longer ids."""
    (RAW / "photos_labelled.csv").write_text("path,label\nphotos/cat/a.png,cat\nphotos/dog/copy.png,dog\n")
    files = {"cat/a.png": GOOD, "cat/x.png": BLURRED, "dog/copy.png": BLURRED}
    left, counts, notes = apply(files, "cat/x.png,remove,", source="data/raw/photos_labelled.csv")
    assert (left["photos/dog/copy.png"], counts["removed"]) == ("dog", 0)
    assert notes == ["1 corrections remove images that the source does not list any more: 'cat/x.png'"]
