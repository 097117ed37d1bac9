import gzip
import io
import os
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.archives import TarArchive
from sightline.images.sources.layouts.by_folder import list_by_folder
from sightline.images.sources.layouts.tiny_imagenet import list_tiny_imagenet
from sightline.images.sources.open import open_source

FILES = {"train/cat/a.jpg": b"1", "train/dog/deep/b.jpg": b"2", "valid/cat/c.jpg": b"3", "test/dog/d.jpg": b"4"}
LITTER = {".DS_Store": b"", "train/cat/Thumbs.db": b"", "__MACOSX/train/cat/._a.jpg": b"", "train/.hidden/x.jpg": b""}
EXPECTED = {
    ("train/cat/a.jpg", "cat", "train", b"1"),
    ("train/dog/deep/b.jpg", "dog", "train", b"2"),
    ("valid/cat/c.jpg", "cat", "val", b"3"),
    ("test/dog/d.jpg", "dog", "test", b"4"),
}


def as_folder(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def as_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def as_tar(path, files):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def contents(source):
    listing, container = open_source(source)
    columns = zip(listing.paths, listing.classes, listing.subsets, strict=True)
    return {(*row, container.read(row[0], 100)) for row in columns}


@pytest.mark.parametrize(
    ("name", "write"),
    [("set", as_folder), ("set.zip", as_zip), ("set.tar", as_tar), ("set.tar.gz", as_tar), ("set.tgz", as_tar)],
)
def test_folders_and_archives_list_the_same(workspace, name, write):
    write(workspace / "data/raw" / name, FILES | LITTER)
    assert contents(f"data/raw/{name}") == EXPECTED


def test_single_enclosing_folders_are_looked_through():
    names = ["set/v1/cat/a.jpg", "set/v1/dog/b.jpg"]
    assert list_by_folder(names, "x").classes == ["cat", "dog"]


def test_a_folder_named_train_alone_is_a_subset():
    listing = list_by_folder(["set/train/cat/a.jpg", "set/train/dog/b.jpg"], "x")
    assert (listing.classes, listing.subsets) == (["cat", "dog"], ["train", "train"])


def test_images_without_a_class_are_listed_as_such():
    listing = list_by_folder(["cat/a.jpg", "dog/b.jpg", "cover.jpg", "README.md"], "x")
    assert listing.unlabelled == ["cover.jpg"]


def test_subsets_beside_classes_are_refused():
    with pytest.raises(SightlineError, match="'train' beside 'cat'"):
        list_by_folder(["train/cat/a.jpg", "cat/b.jpg"], "x")


def test_a_linked_folder_is_followed_once(workspace):
    as_folder(workspace / "data/raw/set", FILES)
    (workspace / "data/raw/set/train/loop").symlink_to(workspace / "data/raw/set")
    assert contents("data/raw/set") == EXPECTED


@pytest.mark.parametrize("bad", ["/etc/x.jpg", "../x.jpg", "cat/../../x.jpg", "C:/x.jpg", "cat\\..\\..\\x.jpg"])
@pytest.mark.parametrize(("name", "write"), [("set.zip", as_zip), ("set.tar", as_tar)])
def test_members_that_point_outside_are_refused(workspace, name, write, bad):
    write(workspace / "data/raw" / name, {bad: b"1", "cat/a.jpg": b"2"})
    with pytest.raises(SightlineError, match="points outside the archive"):
        open_source(f"data/raw/{name}")


def test_a_damaged_member_is_a_bad_image(workspace):
    path = workspace / "data/raw/set.zip"
    as_zip(path, {"cat/a.jpg": b"A" * 50, "dog/b.jpg": b"2"})
    path.write_bytes(path.read_bytes().replace(b"A" * 50, b"B" * 50))
    _, container = open_source("data/raw/set.zip")
    with pytest.raises(BadImageError, match="damaged in the archive"):
        container.read("cat/a.jpg", 100)
    with pytest.raises(BadImageError, match="too large: 50 bytes"):
        container.read("cat/a.jpg", 49)


def test_equal_names_in_a_tar_are_listed_once_and_the_last_one_counts(workspace):
    with tarfile.open(workspace / "data/raw/set.tar", "w") as archive:
        for data in (b"1", b"22"):
            info = tarfile.TarInfo("cat/a.jpg")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    _, container = open_source("data/raw/set.tar")
    assert container.names() == ["cat/a.jpg"]
    assert container.read("cat/a.jpg", 100) == b"22"


def test_a_sparse_member_of_a_tar_has_its_holes_filled(workspace):
    header = tarfile.TarInfo("cat/a.jpg")
    header.size, header.type = 512, tarfile.GNUTYPE_SPARSE
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"00000002000\0" + b"00000001000\0"  # 512 bytes stand at 1,024
    block[483:495] = b"00000003000\0"  # of 1,536
    block[148:156] = b"%06o\0 " % sum(block[:148] + b" " * 8 + block[156:])
    (workspace / "data/raw/set.tar").write_bytes(bytes(block) + b"x" * 512 + bytes(1024))
    _, container = open_source("data/raw/set.tar")
    assert container.read("cat/a.jpg", 2000) == bytes(1024) + b"x" * 512


@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz"])
def test_a_tar_that_shrank_since_it_was_listed_is_a_bad_image(workspace, name):
    noise = np.random.default_rng(0).bytes(50_000)
    as_tar(workspace / "data/raw" / name, {"cat/a.jpg": noise, "dog/b.jpg": b"2"})
    _, container = open_source(f"data/raw/{name}")
    os.truncate(workspace / "data/raw" / name, 40)
    with pytest.raises(BadImageError, match="damaged in the archive"):
        container.read("cat/a.jpg", 50_000)
    with pytest.raises(BadImageError, match="too large: 50000 bytes"):
        container.read("cat/a.jpg", 100)
    with pytest.raises(BadImageError, match="not in the archive"):
        container.read("dog/c.jpg", 100)


def test_a_member_of_a_tar_takes_few_bytes_of_memory(tmp_path):
    path, count = tmp_path / "many.tar", 2000
    as_tar(path, {f"class_{number % 10}/image_{number:07d}.jpg": b"" for number in range(count)})
    tracemalloc.start()
    try:
        container = TarArchive(path)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(container.names()) == count
    assert kept / count < 250  # tarfile keeps 1,000 and more


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "file not found"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"A" * 101), "too large: 101 bytes"),
    ],
)
def test_a_file_that_changed_since_it_was_listed_is_a_bad_image(workspace, spoil, reason):
    as_folder(workspace / "data/raw/set", FILES)
    _, container = open_source("data/raw/set")
    spoil(workspace / "data/raw/set/train/cat/a.jpg")
    with pytest.raises(BadImageError, match=reason):
        container.read("train/cat/a.jpg", 100)


def test_equal_class_names_are_one_string():
    listing = list_by_folder([f"{name}/{number}.jpg" for name in ("cat", "dog") for number in range(9)], "x")
    assert len({id(name) for name in listing.classes}) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("data/raw/none", "does not exist"),
        ("data/raw/none.csv", "does not exist"),
        ("data/raw/broken.zip", "not a readable archive"),
        ("data/raw/broken.tar.gz", "not a readable archive"),
        ("data/raw/broken.txt", "must be a folder"),
        ("/data/photos", "must be digits"),
        ("data/raw/../../etc", "must be digits"),
        ("data/raw/torchvision/CIFAR10", "lies where DVC sees no changes"),
        ("torchvision:Nonsense", "no data set called 'Nonsense'"),
        ("torchvision:read_image", "no data set called"),
    ],
)
def test_a_source_that_cannot_be_opened_is_one_line(workspace, source, message):
    for name in ("broken.zip", "broken.tar.gz", "broken.txt"):
        (workspace / "data/raw" / name).write_bytes(b"no archive")
    with pytest.raises(SightlineError, match=message) as caught:
        open_source(source)
    assert "\n" not in str(caught.value)


def test_csv_rows_reach_files_and_archives_beside_it(workspace):
    raw = workspace / "data/raw/set"
    as_folder(raw, {"images/1.jpg": b"1"})
    as_zip(raw / "more.zip", {"in/2.jpg": b"2"})
    (raw / "table.csv").write_text(
        "path,label,group,subset,camera\nimages/1.jpg,cat,anna,train,x\nmore.zip/in/2.jpg,dog,,validation,y\n"
        "gone.jpg,dog,,test,y\n"
    )
    listing, container = open_source("data/raw/set/table.csv")
    assert listing.classes == ["cat", "dog", "dog"]
    assert listing.groups == ["anna", "", ""]
    assert listing.subsets == ["train", "val", "test"]
    assert [container.read(path, 100) for path in listing.paths[:2]] == [b"1", b"2"]
    with pytest.raises(BadImageError, match="file not found"):
        container.read("gone.jpg", 100)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.jpg,cat\n", "has no column 'path'"),
        ("path,label\na.jpg,\n", "has a header and no row with a label"),
        ("path,label\na.jpg,cat\na.jpg,dog\n", "'a.jpg' stands there twice"),
        ("path,label\n../a.jpg,cat\n", "line 2: '../a.jpg' must lie beside the table"),
        ("path,label,subset\na.jpg,cat,later\n", "line 2: subset 'later' must be one of"),
        ("", "has no column 'path'"),
    ],
)
def test_a_bad_table_names_its_line(workspace, text, message):
    (workspace / "data/raw/table.csv").write_text(text)
    with pytest.raises(SightlineError, match=message):
        open_source("data/raw/table.csv")


def test_tiny_imagenet_is_recognised_and_named(workspace):
    root = "tiny-imagenet-200"
    as_zip(
        workspace / "data/raw/tiny.zip",
        {
            f"{root}/words.txt": b"n01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane\nn09\tother\n",
            f"{root}/wnids.txt": b"n01\nn02\nn03\n",
            f"{root}/train/n01/images/n01_0.JPEG": b"1",
            f"{root}/train/n01/n01_boxes.txt": b"n01_0.JPEG\t0\t0\t1\t1\n",
            f"{root}/train/n02/images/n02_0.JPEG": b"2",
            f"{root}/train/n03/images/n03_0.JPEG": b"3",
            f"{root}/val/images/val_0.JPEG": b"4",
            f"{root}/val/val_annotations.txt": b"val_0.JPEG\tn02\t0\t32\t44\t62\n",
            f"{root}/test/images/test_0.JPEG": b"5",
        },
    )
    assert contents("data/raw/tiny.zip") == {
        (f"{root}/train/n01/images/n01_0.JPEG", "goldfish", "train", b"1"),
        (f"{root}/train/n02/images/n02_0.JPEG", "crane (n02)", "train", b"2"),
        (f"{root}/train/n03/images/n03_0.JPEG", "crane (n03)", "train", b"3"),
        (f"{root}/val/images/val_0.JPEG", "crane (n02)", "val", b"4"),
    }


def test_tiny_imagenet_without_words_uses_its_ids():
    names = ["train/n01/images/a.JPEG", "val/images/b.JPEG", "val/val_annotations.txt"]
    assert list_tiny_imagenet(names, "b.JPEG\tn01\n", "").classes == ["n01", "n01"]


def test_digits_are_the_1797_of_scikit_learn(workspace):
    from sklearn.datasets import load_digits

    listing, container = open_source("digits")
    assert len(listing.paths) == 1797
    pixels = np.asarray(Image.open(io.BytesIO(container.read(listing.paths[100], 10_000))))
    assert (pixels == np.rint(load_digits().images[100] * 255 / 16)).all()
    assert listing.classes[100] == str(load_digits().target[100])


def test_a_torchvision_data_set_keeps_its_subsets_and_class_names(workspace, monkeypatch):
    import torchvision

    class Shapes(torchvision.datasets.VisionDataset):
        classes = ("circle", "square")

        def __init__(self, root, train=True, download=False):
            super().__init__(root)
            self.targets = [0, 1, 1] if train else [1]

        def __getitem__(self, index):
            return Image.new("L", (4, 4), 10 * index + len(self.targets)), self.targets[index]

    monkeypatch.setattr(torchvision.datasets, "Shapes", Shapes, raising=False)
    listing, container = open_source("torchvision:Shapes")
    assert listing.classes == ["circle", "square", "square", "square"]
    assert listing.subsets == ["train", "train", "train", "test"]
    values = [np.asarray(Image.open(io.BytesIO(container.read(path, 10_000))))[0, 0] for path in listing.paths]
    assert values == [3, 13, 23, 1]


def test_a_data_set_that_cannot_be_downloaded_is_one_line(workspace, monkeypatch):
    import socket

    def refuse(*_args, **_options):
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(SightlineError, match="torchvision:FashionMNIST cannot be downloaded") as caught:
        open_source("torchvision:FashionMNIST")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz"])
def test_a_tar_whose_listing_breaks_off_in_the_middle_is_refused(workspace, name):
    as_tar(workspace / "data/raw/set.tar", {"cat/1.jpg": b"1", "dog/1.jpg": b"2", "dog/2.jpg": b"3"})
    content = bytearray((workspace / "data/raw/set.tar").read_bytes())
    content[1024 + 148] ^= 1  # the checksum of the second header
    pack = gzip.compress if name.endswith("gz") else bytes
    (workspace / "data/raw" / name).write_bytes(pack(content))
    with pytest.raises(SightlineError, match="not a readable archive: no header of a member at byte 1024"):
        open_source(f"data/raw/{name}")


def test_a_locale_that_takes_names_for_another_encoding_is_refused(workspace, monkeypatch):
    as_folder(workspace / "data/raw/photos", {"Gr\u00fcn/1.png": b"1"})
    assert open_source("data/raw/photos")[0].classes == ["Gr\u00fcn"]
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "iso8859-1")
    with pytest.raises(SightlineError, match=r"are read as iso8859-1 by this locale, not as UTF-8: set LC_ALL=C.UTF-8"):
        open_source("data/raw/photos")
