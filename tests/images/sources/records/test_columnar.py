"""Parquet, and data sets saved to disk: written by pyarrow with the bytes that Hugging Face's datasets writes."""

import json
import random
import sys

import pytest

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.naming import naming_of
from sightline.images.sources.open import open_source
from sightline.images.sources.records import columnar_files
from sightline.images.sources.records.columnar_files import ArrowFile, ParquetFile

pa = pytest.importorskip("pyarrow", reason="pyarrow is optional: pip install -r requirements-formats.txt")
parquet = pytest.importorskip("pyarrow.parquet")

HOLDER = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
    "camera": {"dtype": "string", "_type": "Value"},
}


def hugging_face(labels, start=0, cameras=None):
    """Return the table that datasets makes of images, ClassLabel numbers and a text."""
    images = [{"bytes": f"image {start + row}".encode(), "path": None} for row in range(len(labels))]
    columns = {"image": pa.array(images, HOLDER), "label": pa.array(labels, pa.int64())}
    columns["camera"] = cameras or ["left"] * len(labels)
    return pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})


def save(workspace, name, table, **options):
    path = workspace / "data/raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, **options)
    return path


def save_to_disk(workspace, folder, tables):
    """Write what `Dataset.save_to_disk` writes of shards."""
    path = workspace / "data/raw" / folder
    path.mkdir(parents=True)
    files = [f"data-{number:05d}-of-{len(tables):05d}.arrow" for number in range(len(tables))]
    for file, table in zip(files, tables, strict=True):
        with pa.ipc.new_stream(path / file, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    (path / "state.json").write_text(json.dumps({"_data_files": [{"filename": file} for file in files]}))
    (path / "dataset_info.json").write_text("{}")
    return path


def rows_of(source, **changed):
    listing, container = open_source(source, naming_of(changed))
    columns = zip(listing.paths, listing.classes, listing.subsets, strict=True)
    return [(*row, container.read(row[0], 100).decode()) for row in columns]


def test_a_folder_of_parquet_files_has_their_subsets_and_class_names(workspace):
    save(workspace, "set/data/train-00000-of-00002.parquet", hugging_face([0, 1]))
    save(workspace, "set/data/train-00001-of-00002.parquet", hugging_face([1], start=2))
    save(workspace, "set/data/validation-00000-of-00001.parquet", hugging_face([0], start=3))
    (workspace / "data/raw/set/README.md").write_text("about")
    assert rows_of("data/raw/set") == [
        ("data/train-00000-of-00002.parquet/000000", "cat", "train", "image 0"),
        ("data/train-00000-of-00002.parquet/000001", "dog", "train", "image 1"),
        ("data/train-00001-of-00002.parquet/000000", "dog", "train", "image 2"),
        ("data/validation-00000-of-00001.parquet/000000", "cat", "val", "image 3"),
    ]


def test_one_file_of_bytes_and_text_needs_no_notes_of_hugging_face(workspace):
    table = pa.table({"jpeg": [b"a", b"b"], "breed": ["pug", "boxer"], "split": ["train", "test"], "id": [7, 8]})
    save(workspace, "pets.parquet", table)
    naming = {"label": "breed", "subset": "split"}
    assert rows_of("data/raw/pets.parquet", **naming) == [
        ("pets.parquet/000000", "pug", "train", "a"),
        ("pets.parquet/000001", "boxer", "test", "b"),
    ]
    assert open_source("data/raw/pets.parquet", naming_of(naming))[0].notes == ["columns that are left out: 'id'"]


def test_a_data_set_saved_to_disk_is_read_in_the_order_of_its_state(workspace):
    save_to_disk(workspace, "set/train", [hugging_face([0, 1, 1]), hugging_face([0], start=3)])
    save_to_disk(workspace, "set/test", [hugging_face([1], start=4)])
    (workspace / "data/raw/set/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    (workspace / "data/raw/set/train/cache-0123.arrow").write_bytes(b"of the library, no part of the data set")
    assert rows_of("data/raw/set") == [
        ("test/data-00000-of-00001.arrow/000000", "dog", "test", "image 4"),
        ("train/data-00000-of-00002.arrow/000000", "cat", "train", "image 0"),
        ("train/data-00000-of-00002.arrow/000001", "dog", "train", "image 1"),
        ("train/data-00000-of-00002.arrow/000002", "dog", "train", "image 2"),
        ("train/data-00001-of-00002.arrow/000000", "cat", "train", "image 3"),
    ]


def test_further_columns_are_kept(workspace):
    save(workspace, "a.parquet", hugging_face([0, 1], cameras=["left", None]))
    assert open_source("data/raw/a.parquet")[0].further == {"camera": ["left", ""]}


def test_what_a_row_lacks_is_listed(workspace):
    save(workspace, "set/train.parquet", hugging_face([0, -1, None, 2]))
    save(workspace, "set/test.parquet", hugging_face([-1]))
    listing, _ = open_source("data/raw/set")
    assert listing.paths == ["train.parquet/000000"]
    assert listing.pool.paths == [f"train.parquet/00000{row}" for row in (1, 2, 3)]
    assert listing.refused == []
    assert listing.aside == [("test.parquet/000000", "no label")]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "no image in the row"),
        ({"bytes": None, "path": None}, "no image in the row"),
        ({"bytes": None, "path": "/home/a.jpg"}, "holds no bytes but the path /home/a.jpg: write the data set with"),
        ({"bytes": b"x" * 101, "path": None}, "too large: 101 bytes"),
    ],
)
def test_a_row_without_an_image_says_why(workspace, cell, reason):
    save(workspace, "a.parquet", pa.table({"image": pa.array([cell], HOLDER), "label": ["cat"]}))
    listing, container = open_source("data/raw/a.parquet")
    with pytest.raises(BadImageError, match=reason):
        container.read(listing.paths[0], 100)


def test_rows_come_in_any_order_from_any_row_group(workspace):
    path = save(workspace, "a.parquet", hugging_face([0] * 100), row_group_size=40)
    opened = ParquetFile(path)
    for row in (0, 1, 39, 40, 99, 41, 17, 18, 0):
        assert opened.cell("image", row)["bytes"] == f"image {row}".encode()


def test_arrow_files_are_mapped_anew_before_much_of_them_is_in_memory(workspace, monkeypatch):
    folder = save_to_disk(workspace, "set", [hugging_face([0] * 50)])
    path = folder / "data-00000-of-00001.arrow"
    monkeypatch.setattr(columnar_files, "MAPPED_AT_ONCE", hugging_face([0] * 50).nbytes // 10)
    opened = ArrowFile(path)
    first = opened._table
    assert [opened.cell("image", row)["bytes"] for row in range(50)] == [f"image {row}".encode() for row in range(50)]
    assert opened._table is not first


def cut(path, keep):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def test_damaged_files_are_one_line(workspace):
    cut(save(workspace, "a.parquet", hugging_face([0, 1])), 0.7)
    with pytest.raises(SightlineError, match=r"^data/raw/a.parquet: not a readable parquet file: [^\n]+$"):
        open_source("data/raw/a.parquet")
    cut(save_to_disk(workspace, "set", [hugging_face([0, 1])]) / "data-00000-of-00001.arrow", 0.7)
    with pytest.raises(SightlineError, match=r"^data/raw/set/.*: not a readable arrow file: [^\n]+$"):
        open_source("data/raw/set")


def test_damage_inside_spoils_the_rest_of_its_row_group_and_no_more(workspace):
    noise = random.Random(0)
    table = pa.table({"image": [noise.randbytes(5000) for _ in range(60)], "label": ["cat"] * 60})
    path = save(workspace, "a.parquet", table, row_group_size=40, use_dictionary=False, data_page_size=4000)
    content = bytearray(path.read_bytes())
    content[100_000:106_000] = bytes(6000)  # a page is shorter than that
    path.write_bytes(content)
    listing, container = open_source("data/raw/a.parquet")
    good = []
    for row, name in enumerate(listing.paths):
        try:
            good += [row] * (container.read(name, 10_000) == table["image"][row].as_py())
        except BadImageError as error:
            assert str(error).startswith("damaged in the file: ")
    assert good == [*range(19), *range(40, 60)]


def test_a_shard_that_is_missing_is_named(workspace):
    (save_to_disk(workspace, "set", [hugging_face([0, 1])]) / "data-00000-of-00001.arrow").rename("elsewhere.arrow")
    save_to_disk(workspace, "set/more", [hugging_face([0])])
    with pytest.raises(SightlineError, match=r"data-00000-of-00001.arrow: not there, though state.json names it"):
        open_source("data/raw/set")


@pytest.mark.parametrize(
    ("table", "changed", "message"),
    [
        (
            {"image": [b"a"], "breed": ["pug"]},
            {},
            r"has no column 'label' \(found: .*breed.*\): name the one by prepare",
        ),
        ({"name": ["a.jpg"], "label": ["pug"]}, {}, "is no column of images .*found: none"),
        ({"a": [b"a"], "b": [b"b"], "label": ["x"]}, {}, "found: a, b.: name one by prepare.path"),
        ({"a": [b"a"], "label": ["x"]}, {"path": "b"}, "'b' is no column of images .*found: a"),
        ({"a": [b"a"], "label": ["x"], "split": ["train"]}, {}, "the column 'split' holds only train: call it subset"),
        ({"a": [b"a"], "label": ["x"], "subset": ["7"]}, {}, "a.parquet/000000: subset '7' must be one of"),
        ({"a": [b"a"], "label": ["x"]}, {"group": "patient"}, r"has no column 'patient'"),
        ({"a": [b"a"], "label": ["x"]}, {"path": "train/{id}.jpg"}, "prepare.path: 'train/{id}.jpg' says nothing"),
    ],
)
def test_columns_that_are_not_there_are_one_line(workspace, table, changed, message):
    save(workspace, "a.parquet", pa.table(table))
    with pytest.raises(SightlineError, match=message) as caught:
        open_source("data/raw/a.parquet", naming_of(changed))
    assert "\n" not in str(caught.value)


def test_a_column_of_images_can_be_named(workspace):
    save(workspace, "a.parquet", pa.table({"a": [b"a"], "b": [b"b"], "label": ["x"]}))
    assert rows_of("data/raw/a.parquet", path="b") == [("a.parquet/000000", "x", "", "b")]


def test_without_pyarrow_a_line_says_what_to_install(workspace, monkeypatch):
    save(workspace, "a.parquet", hugging_face([0]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SightlineError, match=r"a.parquet needs pyarrow: run `pip install -r requirements-formats.txt`"):
        open_source("data/raw/a.parquet")


def test_classes_that_are_numbers_in_some_files_alone_are_refused(workspace):
    save(workspace, "set/0.parquet", hugging_face([0, 1]))
    save(workspace, "set/1.parquet", hugging_face([0, 1]).replace_schema_metadata({}))
    with pytest.raises(
        SightlineError, match=r"^data/raw/set/1.parquet: some files have names for the numbers of 'label'"
    ):
        open_source("data/raw/set")


def test_a_column_of_several_labels_is_refused(workspace):
    save(workspace, "many.parquet", pa.table({"image": [b"a"], "label": [[0, 2]]}))
    with pytest.raises(
        SightlineError, match=r"many.parquet: the column 'label' is of list<\w+: int64>: one class an im"
    ):
        open_source("data/raw/many.parquet")
