import hashlib
from pathlib import Path

import pytest

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.listing import Listing
from sightline.preparing.correct import correct, describe_corrections
from sightline.preparing.corrections import corrections_path, read_corrections


class Files:
    """Files whose bytes are their names."""

    def read(self, name: str, limit: int) -> bytes:
        if name == "gone.png":
            raise BadImageError("missing")
        return name.encode()


def table(folder, *rows: str) -> Path:
    path = folder / "corrections.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def offered() -> Listing:
    listing = Listing(further={"site": []})
    for name, label, site in (
        ("a.png", "cat", "x"),
        ("b.png", "dog", "y"),
        ("gone.png", "dog", "z"),
        ("d.png", "cat", "w"),
    ):
        listing.add(name, label, group=name[0], further=(site,))
    return listing


def apply(folder, *rows: str) -> tuple[Listing, dict[str, int]]:
    listing = offered()
    return listing, correct(listing, Files(), read_corrections(table(folder, *rows)), 100)


def test_labels_change_and_what_is_removed_is_set_aside_with_its_reason(tmp_path):
    digest = hashlib.sha256(b"a.png").hexdigest().upper()
    listing, counts = apply(
        tmp_path,
        "id,action,label,who,when,reason,sha256,neighbours",
        f"a.png,relabel, dog ,Ann,2026-01-02,a dog,{digest},whatever",
        "b.png,Relabel,dog,,,,,",
        "gone.png,remove,,Ann,2026-01-02,blurred,,",
        "d.png,,cat,,,,,",
    )
    assert (listing.paths, listing.classes) == (["a.png", "b.png", "d.png"], ["dog", "dog", "cat"])
    assert (listing.groups, listing.further) == (["a", "b", "d"], {"site": ["x", "y", "w"]})
    assert listing.aside == [("gone.png", "removed by prepare.corrections: blurred")]
    assert counts == {"kept": 1, "relabelled": 1, "removed": 1}
    assert describe_corrections(counts) == ["labels that people looked at: 1 kept, 1 relabelled, 1 removed"]
    assert describe_corrections(dict.fromkeys(counts, 0)) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["id,label", "a.png,dog"], "has no column 'action'"),
        (["id,action,label", ",remove,"], "line 2: names no image"),
        (["id,action,label", "a.png,delete,"], "line 2: the action 'delete' must be one of keep, relabel, remove"),
        (["id,action,label", "a.png,relabel,"], "line 2: to relabel 'a.png' needs a label"),
        (["id,action,label", "e.png,remove,"], "line 2: prepare.source has no labelled image 'e.png'"),
        (["id,action,label", "a.png,relabel,cow"], "line 2: no class is called 'cow': the classes are 'cat', 'dog'"),
        (
            ["id,action,label", "a.png,keep,", "a.png,relabel,dog"],
            "line 3: relabel to dog 'a.png' contradicts",
        ),
        (["id,action,label,sha256", "a.png,keep,,0123"], "line 2: 'a.png' is no longer the file that was looked at"),
        (["id,action,label,sha256", "gone.png,remove,,0123"], "line 2: 'gone.png' is no longer the file"),
    ],
)
def test_what_cannot_be_applied_is_told_with_its_line(tmp_path, rows, message):
    with pytest.raises(SightlineError, match=message):
        apply(tmp_path, *rows)


def test_ids_of_an_archive_are_found_again_below_it_by_files_that_are_still_those(tmp_path):
    listing = Listing()
    for name in ("x.zip/a/1.png", "x.zip/b/1.png", "x.zip/b/2.png", "x.zip/b/3.png"):
        listing.add(name, name[6])
    digests = {name: hashlib.sha256(f"x.zip/{name}".encode()).hexdigest() for name in ("a/1.png", "b/2.png", "b/3.png")}
    rows = [
        "id,action,label,sha256",
        f"a/1.png,relabel,b,{digests['a/1.png']}",
        f"b/2.png,remove,,{digests['b/2.png']}",
        "x.zip/b/2.png,keep,,",  # the whole id counts more
        f"b/3.png,remove,,{digests['b/3.png']}",
        "b/gone.png,remove,,0123",  # is not there, nor its content
    ]
    counts = correct(listing, Files(), read_corrections(table(tmp_path, *rows)), 100)
    assert (listing.paths, listing.classes) == (["x.zip/a/1.png", "x.zip/b/1.png", "x.zip/b/2.png"], ["b", "b", "b"])
    assert counts == {"kept": 1, "relabelled": 1, "removed": 1}
    assert listing.notes == ["1 corrections remove images that the source does not list any more: 'b/gone.png'"]
    for row in ("1.png,keep,,0123", "3.png,keep,,", "b/gone.png,keep,,0123"):  # two end so; no sha256; not there
        with pytest.raises(SightlineError, match=r"line 2: prepare\.source has no labelled image"):
            correct(listing, Files(), read_corrections(table(tmp_path, rows[0], row)), 100)


def test_equal_rows_are_one_decision(tmp_path):
    assert apply(tmp_path, "id,action,label", "a.png,remove,", "a.png,remove,cat")[1]["removed"] == 1


def test_the_table_lies_where_dvc_sees_it(tmp_path):
    assert corrections_path("data/raw/corrections.csv") == Path("data/raw/corrections.csv")
    for name in ("corrections.csv", "data/raw/../x.csv", "/data/raw/x.csv"):
        with pytest.raises(SightlineError, match="must lie below data/raw"):
            corrections_path(name)
    with pytest.raises(SightlineError, match="not found: `make review`"):
        read_corrections(tmp_path / "missing.csv")
