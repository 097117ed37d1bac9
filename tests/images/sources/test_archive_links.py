import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from sightline.common.errors import SightlineError
from sightline.images.sources.containers import open_container
from sightline.images.sources.open import open_source


def make_tar(path, members):
    """Write (name, data) files and (name, kind, target) links and other members."""
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, *rest in members:
            info = tarfile.TarInfo(name)
            if len(rest) == 1:
                info.size = len(rest[0])
                archive.addfile(info, io.BytesIO(rest[0]))
            else:
                info.type, info.linkname = rest
                archive.addfile(info)


LINKED = [
    ("./cat/1.png", b"1"),
    ("./cat/2.png", b"2"),
    ("./cat/hard.png", tarfile.LNKTYPE, "./cat/1.png"),
    ("./dog/soft.png", tarfile.SYMTYPE, "../cat/2.png"),
    ("./dog/again.png", tarfile.SYMTYPE, "soft.png"),
    ("./dog/folder", tarfile.SYMTYPE, "../cat"),
    ("./dog/out.png", tarfile.SYMTYPE, "/etc/passwd"),
    ("./dog/round.png", tarfile.SYMTYPE, "round.png"),
    ("./dog/pipe.png", tarfile.FIFOTYPE, ""),
]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_links_in_a_tar_are_read_and_all_else_is_listed(tmp_path, name):
    make_tar(tmp_path / name, LINKED)
    container = open_container(tmp_path / name)
    read = {member: container.read(member, 10) for member in container.names()}
    assert read == {
        "cat/1.png": b"1",
        "cat/hard.png": b"1",
        "cat/2.png": b"2",
        "dog/soft.png": b"2",
        "dog/again.png": b"2",
    }
    assert list(read)[:2] == ["cat/1.png", "cat/hard.png"]  # the order in which the tar is read forwards
    reasons = dict(container.refused)
    assert sorted(reasons) == ["dog/folder", "dog/out.png", "dog/pipe.png", "dog/round.png"]
    assert reasons["dog/folder"] == "a link to no file of the archive: cat"
    assert reasons["dog/pipe.png"] == "not a file: a device or a pipe"


def test_a_path_with_a_dot_before_it_is_the_same_path(tmp_path):
    make_tar(tmp_path / "a.tar", [("cat/1.png", b"1"), ("./dog/2.png", b"2"), ("./cat//1.png", b"3")])
    container = open_container(tmp_path / "a.tar")
    assert {name: container.read(name, 10) for name in container.names()} == {"cat/1.png": b"3", "dog/2.png": b"2"}


def test_names_in_a_tar_that_are_not_utf8_are_listed_and_folders_of_that_kind_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        for name in ("cat/gr\u00fcn.png", "cat/2.png"):
            archive.addfile(tarfile.TarInfo(name))
    container = open_container(tmp_path / "a.tar")
    assert container.names() == ["cat/2.png"]
    assert container.refused == [("cat/gr\\xfcn.png", "the name is not UTF-8: rename it")]
    with tarfile.open(tmp_path / "b.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("gr\u00fcn/2.png"))
    with pytest.raises(SightlineError, match=r"b.tar: folder 'gr\\xfcn': the name is not UTF-8: rename it"):
        open_container(tmp_path / "b.tar")


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_hidden_images_in_archives_are_told(tmp_path, name):
    members = ["cat/1.png", ".bird/2.png", "cat/.DS_Store", "__MACOSX/cat/._1.png", "cat/.note.txt"]
    if name == "a.tar":
        make_tar(tmp_path / name, [(member, b"1") for member in members])
    else:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, b"1")
    container = open_container(tmp_path / name)
    assert (container.names(), container.hidden) == (["cat/1.png"], [".bird/2.png"])


def add_link(archive, name, target, system=3):
    info = zipfile.ZipInfo(name)
    info.create_system = system
    info.external_attr = 0o120777 << 16
    archive.writestr(info, target)


def test_links_in_a_zip_are_followed(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", b"1")
        add_link(archive, "dog/link.png", "../cat/1.png")
        add_link(archive, "dog/gone.png", "2.png")
        add_link(archive, "dog/windows.png", "no link", system=0)
    container = open_container(tmp_path / "a.zip")
    assert {name: container.read(name, 10) for name in container.names()} == {
        "cat/1.png": b"1",
        "dog/link.png": b"1",
        "dog/windows.png": b"no link",
    }
    assert container.refused == [("dog/gone.png", "a link to no file of the archive: dog/2.png")]


@pytest.mark.parametrize(
    ("stored", "system", "expected"),
    [
        ("A: benign/1.png", 3, "A: benign/1.png"),
        ("cat\\1.png", 0, "cat/1.png"),
        ("cat\\1.png", 3, "cat\\1.png"),
    ],
)
def test_names_in_a_zip(tmp_path, stored, system, expected):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo(stored)
        info.create_system = system
        archive.writestr(info, b"1")
    assert open_container(tmp_path / "a.zip").names() == [expected]


@pytest.mark.parametrize(("checked", "expected"), [(b"k\x94t.png", "k\u00f6t.png"), (b"other", "k\u00f6t.png")])
def test_the_extra_field_with_a_unicode_path_counts_where_it_is_of_this_name(tmp_path, checked, expected):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("k.t.png")
        name = "s\u00fc\u00df.png".encode() if checked != b"other" else b"other.png"
        info.extra = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zlib.crc32(checked)) + name
        archive.writestr(info, b"1")
    path.write_bytes(path.read_bytes().replace(b"k.t.png", b"k\x94t.png"))
    assert open_container(path).names() == ["s\u00fc\u00df.png" if checked != b"other" else expected]


def test_a_tar_of_links_alone_tells_of_them(workspace):
    make_tar(workspace / "data/raw/a.tar", [("cat/1.png", tarfile.SYMTYPE, "/store/1.png")])
    with pytest.raises(SightlineError, match=r"1 entries that cannot, such as cat/1.png \(a link to no file of"):
        open_source("data/raw/a.tar")


def test_refused_members_reach_the_listing(workspace):
    make_tar(workspace / "data/raw/a.tar", [*LINKED, ("./dog/note.txt", tarfile.SYMTYPE, "none.txt")])
    listing, _ = open_source("data/raw/a.tar")
    assert sorted(name for name, _ in listing.refused) == [
        "dog/folder",
        "dog/out.png",
        "dog/pipe.png",
        "dog/round.png",
    ]


def test_paths_that_stand_there_twice_are_told_and_the_last_counts(tmp_path):
    members = [("./cat/1.png", b"old"), ("cat/2.png", b"2"), ("cat/1.png", b"new")]
    make_tar(tmp_path / "a.tar", members)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    for name in ("a.tar", "a.zip"):
        container = open_container(tmp_path / name)
        assert container.read("cat/1.png", 10) == b"new"
        assert container.notes == [
            f"{tmp_path / name}: 1 files are there again under the same path: the last one counts"
        ]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_tars_that_were_put_together_lose_nothing_silently(tmp_path, name):
    make_tar(tmp_path / name, [("cat/1.png", b"1")])
    once = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(once + once)
    with pytest.raises(SightlineError, match="something follows its end at byte 1024: if archives were put tog"):
        open_container(tmp_path / name)
