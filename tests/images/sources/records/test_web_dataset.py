"""WebDataset's tars: built by tarfile as webdataset's TarWriter does, each member of a sample behind the other."""

import io
import tarfile

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.naming import naming_of
from sightline.images.sources.open import open_source


@pytest.fixture
def shard(workspace):
    def write(name, members):
        path = workspace / "data/raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
            for member, text in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
        return path

    return write


def rows_of(source, **changed):
    listing, container = open_source(source, naming_of(changed))
    columns = zip(listing.paths, listing.classes, listing.subsets, strict=True)
    return [(*row, container.read(row[0], 100).decode()) for row in columns]


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz"])
def test_a_folder_of_shards_has_their_subsets_and_class_names(workspace, shard, suffix):
    shard(f"set/train-0000.{suffix}", {"0.cls": "0", "0.jpg": "a", "x/1.cls": "1\n", "x/1.jpg": "b"})
    shard(f"set/val-0000.{suffix}", {"0.cls": "1", "0.jpg": "c"})
    (workspace / "data/raw/set/classes.txt").write_text("cat\ndog\n")
    assert rows_of("data/raw/set") == [
        (f"train-0000.{suffix}/0.jpg", "cat", "train", "a"),
        (f"train-0000.{suffix}/x/1.jpg", "dog", "train", "b"),
        (f"val-0000.{suffix}/0.jpg", "dog", "val", "c"),
    ]


def test_a_range_in_braces_takes_some_of_a_folder(workspace, shard):
    for number in range(8, 12):
        shard(f"set/{number:04d}.tar", {"0.jpg": str(number), "0.txt": "ab"[number % 2]})
    assert [row[3] for row in rows_of("data/raw/set/{0009..0011}.tar")] == ["9", "10", "11"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{0..2}.tar", r"data/raw/set has no '1.tar', '2.tar'"),
        ("{2..1}.tar", "a range must rise"),
        ("{0..99999999}.tar", "means more than 100,000 files"),
    ],
)
def test_a_range_of_shards_that_are_not_there_is_refused(workspace, shard, pattern, message):
    shard("set/0.tar", {"0.jpg": "a", "0.cls": "0"})
    with pytest.raises(SightlineError, match=message):
        open_source(f"data/raw/set/{pattern}")


def test_json_holds_label_group_subset_and_more(workspace, shard):
    shard("set/0.tar", {"1.jpg": "a", "1.json": '{"breed": "pug", "owner": 7, "part": "test", "box": [1], "age": 2.5}'})
    shard("set/1.tar", {"2.jpg": "b", "2.json": '{"breed": "boxer", "owner": 8, "part": "train", "wild": false}'})
    listing, _ = open_source("data/raw/set", naming_of({"label": "breed", "group": "owner", "subset": "part"}))
    assert (listing.classes, listing.groups, listing.subsets) == (["pug", "boxer"], ["7", "8"], ["test", "train"])
    assert listing.further == {"age": ["2.5", ""], "wild": ["", "False"]}
    assert listing.notes == ["columns that are left out: 'box'"]


@pytest.mark.parametrize(
    ("parts", "changed", "label"),
    [
        ({"cls": "1", "txt": "a caption", "json": '{"label": "x"}'}, {}, "1"),
        ({"txt": "a caption", "json": '{"label": "x"}'}, {}, "x"),
        ({"json": "4"}, {}, "4"),
        ({"txt": " pug \n"}, {}, "pug"),
        ({"cls": "1", "breed.txt": "pug"}, {"label": "breed.txt"}, "pug"),
        ({"cls": "1", "json": '{"breed": "pug"}'}, {"label": "breed"}, "pug"),
    ],
)
def test_the_label_is_what_is_named_or_the_plainest(workspace, shard, parts, changed, label):
    shard("set/0.tar", {"1.jpg": "a"} | {f"1.{ending}": text for ending, text in parts.items()})
    assert rows_of("data/raw/set", **changed)[0][1] == label


@pytest.mark.parametrize(
    ("json", "label"), [("1.0", "dog"), ('{"label": 0.0}', "cat"), ('"1"', "dog"), ("0.5", "0.5"), ('"1 dog"', "1 dog")]
)
def test_numbers_of_any_kind_are_lines_of_the_classes(workspace, shard, json, label):
    shard("set/0.tar", {"1.jpg": "a", "1.json": json, "classes.txt": "cat\ndog\n"})
    assert rows_of("data/raw/set")[0][1] == label


def test_numbers_below_zero_are_no_label(workspace, shard):
    shard("set/0.tar", {"1.jpg": "a", "1.cls": "-1", "2.jpg": "b", "2.cls": "0", "classes.txt": "cat\ndog\n"})
    listing, _ = open_source("data/raw/set")
    assert (listing.classes, listing.pool.paths) == (["cat"], ["0.tar/1.jpg"])


def test_shards_that_are_not_there_are_told(workspace, shard):
    for number in (0, 2):
        shard(f"set/train-{number:05d}-of-00003.tar", {"1.jpg": "a", "1.cls": "x"})
    shard("set/test-00000-of-00001.tar", {"1.jpg": "a", "1.cls": "x"})
    listing, _ = open_source("data/raw/set")
    assert listing.notes == ["2 of 3 files train-*-of-00003 are there"]


def test_a_single_tar_with_labels_of_samples_is_a_shard(workspace, shard):
    shard("one.tar", {"1.jpg": "a", "1.cls": "1", "classes.txt": "cat\ndog"})
    assert rows_of("data/raw/one.tar") == [("one.tar/1.jpg", "dog", "", "a")]


def test_the_image_is_named_where_there_are_several(workspace, shard):
    shard("set/0.tar", {"1.jpg": "a", "1.seg.png": "mask", "1.cls": "3"})
    with pytest.raises(SightlineError, match=r"0.tar/1.jpg: has the images jpg, seg.png: name the one by prepare.path"):
        open_source("data/raw/set")
    assert rows_of("data/raw/set", path="seg.png") == [("0.tar/1.seg.png", "3", "", "mask")]


def test_samples_that_lack_something_are_listed(workspace, shard):
    lacking = {"1.jpg": "a", "1.cls": "0", "2.jpg": "b", "3.cls": "1", "4.jpg": "d", "4.cls": "7"}
    shard("set/train-0.tar", lacking | {"5.jpg": "e", "5.json": "{", "classes.txt": "cat\ndog"})
    shard("set/test-0.tar", {"1.jpg": "a"})
    listing, _ = open_source("data/raw/set")
    assert (listing.paths, listing.pool.paths) == (["train-0.tar/1.jpg"], ["train-0.tar/2.jpg"])
    assert [(name, reason.partition(": ")[0]) for name, reason in listing.refused] == [
        ("train-0.tar/3.cls", "no image beside it"),
        ("train-0.tar/4.jpg", "its label cannot be read"),
        ("train-0.tar/5.jpg", "its label cannot be read"),
    ]
    assert listing.refused[1][1].endswith("classes.txt has 2 lines and none for 7")
    assert listing.aside == [("test-0.tar/1.jpg", "no label")]


@pytest.mark.parametrize("keep", [100, 2560, 4000])  # bytes: of the first header, of the image, of the last header
def test_a_shard_that_ends_early_is_named(workspace, shard, keep):
    path = shard("set/0.tar", {"1.cls": "0", "1.jpg": "a" * 2000, "2.cls": "1"})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SightlineError, match=r"^data/raw/set/0.tar: not a readable archive: [^\n]+$"):
        open_source("data/raw/set")


def test_shards_without_labels_are_one_line(workspace, shard):
    shard("set/cats.tar", {"1.jpg": "a"})
    with pytest.raises(SightlineError, match=r"data/raw/set: no image with a label: cats.tar/1.jpg \(no label\)"):
        open_source("data/raw/set")


def test_some_shards_of_a_subset_beside_others_are_refused(workspace, shard):
    shard("set/train-0.tar", {"1.jpg": "a", "1.cls": "0"})
    shard("set/extra-0.tar", {"1.jpg": "a", "1.cls": "0"})
    with pytest.raises(SightlineError, match=r"'extra-0.tar' tells no subset, 'train' does: name all shards"):
        open_source("data/raw/set")


def test_many_shards_are_not_open_at_once(workspace, shard):
    for number in range(6):
        shard(f"set/{number}.tar", {"1.jpg": str(number), "1.cls": "0"})
    listing, container = open_source("data/raw/set")
    assert [container.read(name, 10) for name in listing.paths] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert len(container._archives) == 4
