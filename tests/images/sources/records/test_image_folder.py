"""Folders with metadata.csv or metadata.jsonl, as Hugging Face's imagefolder reads them."""

import tarfile

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.naming import naming_of
from sightline.images.sources.open import open_source

SOURCE = "data/raw/set"


def fill(workspace, *images, **texts):
    for name in images:
        path = workspace / SOURCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    for name, text in texts.items():
        folder, _, suffix = name.rpartition("_")
        (workspace / SOURCE / folder.replace("_", "/") / f"metadata.{suffix}").write_text(text)


def test_splits_are_folders_and_any_column_is_the_label(workspace):
    fill(
        workspace,
        "train/a.png",
        "train/deep/b.png",
        "validation/c.png",
        train_csv="file_name,breed,site\na.png,pug,x\ndeep/b.png,boxer,y\n",
        validation_csv="file_name,breed,site\nc.png,pug,\n",
    )
    listing, container = open_source(SOURCE, naming_of({"label": "breed"}))
    assert list(zip(listing.paths, listing.classes, listing.subsets, strict=True)) == [
        ("train/a.png", "pug", "train"),
        ("train/deep/b.png", "boxer", "train"),
        ("validation/c.png", "pug", "val"),
    ]
    assert listing.further == {"site": ["x", "y", ""]}
    assert container.read("train/deep/b.png", 100) == b"train/deep/b.png"


def test_jsonl_holds_numbers_objects_and_rows_of_different_columns(workspace):
    lines = [
        '{"file_name": "a.png", "label": 3, "patient": 7, "objects": {"bbox": [1, 2, 3, 4]}, "id": 5}',
        '{"file_name": "b.png", "label": 0, "night": true}',
    ]
    fill(workspace, "a.png", "b.png", _jsonl="\n".join(lines))
    listing, _ = open_source(SOURCE, naming_of({"group": "patient"}))
    assert (listing.classes, listing.groups) == (["3", "0"], ["7", ""])
    assert listing.further == {"night": ["", "True"]}
    assert listing.notes == ["columns that are left out: 'id', 'objects'"]


def test_what_is_missing_is_listed_with_its_reason(workspace):
    rows = '{"file_name": "a.png", "label": "x"}\n{"file_name": "b.png"}\n{"file_name": "gone.png", "label": "y"}\n'
    fill(workspace, "a.png", "b.png", "forgotten.png", _jsonl=rows)
    listing, _ = open_source(SOURCE)
    assert (listing.paths, listing.pool.paths) == (["a.png"], ["b.png"])
    assert listing.refused == [
        ("gone.png", "file not found: metadata.jsonl names it"),
        ("forgotten.png", "no row in the metadata"),
    ]


def test_images_of_test_without_a_row_fail_nothing(workspace):
    fill(workspace, "train/a.png", "test/b.png", train_csv="file_name,label\na.png,x\n")
    listing, _ = open_source(SOURCE)
    assert (listing.paths, listing.refused) == (["train/a.png"], [])
    assert listing.aside == [("test/b.png", "no row in the metadata")]


def test_an_archive_is_read_in_its_own_order(workspace):
    fill(workspace, "b.png", "a.png", _csv="file_name,label\na.png,x\nb.png,y\n")
    with tarfile.open(workspace / "data/raw/set.tar.gz", "w:gz") as archive:
        for name in ("b.png", "metadata.csv", "a.png"):
            archive.add(workspace / SOURCE / name, name)
    listing, _ = open_source("data/raw/set.tar.gz")
    assert (listing.paths, listing.classes) == (["b.png", "a.png"], ["y", "x"])


def test_metadata_without_file_names_is_a_side_file(workspace):
    fill(workspace, "cat/a.png", "dog/b.png", _csv="camera,year\nx,1999\n")
    listing, _ = open_source(SOURCE)
    assert (listing.classes, listing.side_files) == (["cat", "dog"], {".csv": 1})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("_csv", "file_name,breed\na.png,pug\n", r"set/metadata.csv: has no column 'label' .*by prepare.label"),
        ("_csv", "file_name,label\na.png,x\na.png,y\n", "metadata.csv: 'a.png' stands there twice"),
        ("_csv", "file_name,label\na.png,x,y\n", "set/metadata.csv: line 2: has 3 cells, the header 2: put"),
        ("_csv", "file_name,label,split\na.png,x,train\n", "the column 'split' holds only train: call it subset"),
        ("_csv", "file_name,label\nb.png,x\n", r"no image with a label: b.png \(file not found"),
        ("_jsonl", '{"file_name": "a.png", "label": "x"}\n{"file_na', "metadata.jsonl: behind row 1: .*: mend it"),
        ("_jsonl", '{"file_name": "a.png", "label": "x"}\n[1]', "metadata.jsonl: behind row 1: .*: mend it"),
    ],
)
def test_broken_metadata_is_one_line(workspace, name, text, message):
    fill(workspace, "a.png", **{name: text})
    with pytest.raises(SightlineError, match=message) as caught:
        open_source(SOURCE)
    assert "\n" not in str(caught.value)


def test_a_group_that_no_row_has_is_named(workspace):
    fill(workspace, "a.png", _csv="file_name,label\na.png,x\n")
    with pytest.raises(SightlineError, match=r"has no 'patient' \(found: label\): set prepare.group to one"):
        open_source(SOURCE, naming_of({"group": "patient"}))


@pytest.mark.parametrize(
    "content",
    [
        b"file_name;label\na.png;x\nb.png;y\n",
        b"File_Name\tLabel\na.png\tx\nb.png\ty\n",
        "file_name, label\na.png, x\nb.png, y\n".encode("utf-16"),
    ],
)
def test_metadata_is_a_table_of_any_kind(workspace, content):
    fill(workspace, "a.png", "b.png")
    (workspace / SOURCE / "metadata.csv").write_bytes(content)
    listing, _ = open_source(SOURCE)
    assert (listing.paths, listing.classes) == (["a.png", "b.png"], ["x", "y"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file_name,label,label\na.png,x,y\n", "has the column 'label' twice: keep one"),
        ("file_name,breed\na.png,x\n", r"has no column 'label' \(found: file_name, breed\): name the one by"),
        ("file_name,label,group\na.png,x,NaN\n", ": a.png: the group 'NaN' stands for a missing value"),
    ],
)
def test_columns_that_would_mislead_are_refused(workspace, text, told):
    fill(workspace, "a.png", _csv=text)
    with pytest.raises(SightlineError, match=f"^data/raw/set.*{told}"):
        open_source(SOURCE)
