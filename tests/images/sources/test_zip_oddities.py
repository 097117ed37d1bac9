import lzma
import sys
import zipfile
import zlib

import numpy as np
import pytest
from test_zip import change, make_zip

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.containers import open_container
from sightline.images.sources.open import open_source

GIB = 1 << 30


def test_a_zip_of_more_than_4_gib_that_was_counted_in_32_bits_is_read(tmp_path):
    """As macOS writes it: no zip64, and every offset is what is left of it in 32 bits."""
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4):
            archive.start_dir = 3 * number * GIB  # behind a hole, which takes no room on the disk
            archive.writestr(f"cat/{number}.png", bytes([number]))
        for info in archive.filelist:
            info.header_offset %= 4 * GIB
        archive._write_end_record = lambda: write_directory(archive)
    container = open_container(path)
    assert [container.read(name, 10) for name in container.names()] == [b"\0", b"\1", b"\2", b"\3"]


def write_directory(archive):
    """Write directory and end as zipfile does, but with the directory's place in 32 bits."""
    place = archive.start_dir
    entries = b"".join(
        zipfile.struct.pack(
            zipfile.structCentralDir,
            *(zipfile.stringCentralDir, 20, 3, 20, 0, 0, 0, 0, 0, info.CRC, info.compress_size, info.file_size),
            *(len(info.filename), 0, 0, 0, 0, 0, info.header_offset),
        )
        + info.filename.encode()
        for info in archive.filelist
    )
    end = (
        zipfile.stringEndArchive,
        0,
        0,
        len(archive.filelist),
        len(archive.filelist),
        len(entries),
        place % (4 * GIB),
        0,
    )
    archive.fp.seek(place)
    archive.fp.write(entries + zipfile.struct.pack(zipfile.structEndArchive, *end))


@pytest.mark.parametrize(
    ("method", "name", "package"),
    [(9, "Deflate64", "inflate64"), (93, "Zstandard", "backports.zstd"), (98, "PPMd", ""), (97, "method 97", "")],
)
def test_a_method_that_python_lacks_is_named(tmp_path, monkeypatch, method, name, package):
    stored = change(make_zip({"a": b"x" * 50}), b"PK\1\2", 10, bytes([method, 0]))
    (tmp_path / "set.zip").write_bytes(stored)
    if package:
        monkeypatch.setitem(sys.modules, package, None)
    install = "pip install -r requirements-formats.txt, or " if package else ""
    with pytest.raises(BadImageError, match=f"^packed by {name}: {install}pack the archive again, by Deflate or not"):
        open_container(tmp_path / "set.zip").read("a", 100)


def packed_by(method, data, packed):
    """Return a zip whose member `a` is packed by another program."""
    stored = make_zip({"a": packed})
    crc, size = zlib.crc32(data).to_bytes(4, "little"), len(data).to_bytes(4, "little")
    stored = change(change(stored, b"PK\1\2", 10, bytes([method, 0])), b"PK\1\2", 16, crc)
    return change(stored, b"PK\1\2", 24, size)


def test_xz_is_read(tmp_path):
    data = b"cat" * 1000
    (tmp_path / "set.zip").write_bytes(packed_by(95, data, lzma.compress(data)))
    assert open_container(tmp_path / "set.zip").read("a", 10_000) == data
    (tmp_path / "set.zip").write_bytes(packed_by(95, data, b"no xz"))
    with pytest.raises(BadImageError, match=r"^damaged in the archive: "):
        open_container(tmp_path / "set.zip").read("a", 10_000)


def test_deflate64_is_read(tmp_path):
    inflate64 = pytest.importorskip("inflate64")
    data = np.random.default_rng(0).integers(0, 4, 100_000, dtype=np.uint8).tobytes()
    deflater = inflate64.Deflater()
    packed = deflater.deflate(data) + deflater.flush()
    (tmp_path / "set.zip").write_bytes(packed_by(9, data, packed))
    assert open_container(tmp_path / "set.zip").read("a", 100_000) == data
    (tmp_path / "set.zip").write_bytes(packed_by(9, data[:99_000], packed))
    with pytest.raises(BadImageError, match=r"^damaged in the archive: longer than its directory says$"):
        open_container(tmp_path / "set.zip").read("a", 100_000)


def test_zstandard_is_read(tmp_path):
    zstd = pytest.importorskip("backports.zstd")
    data = b"dog" * 1000
    (tmp_path / "set.zip").write_bytes(packed_by(93, data, zstd.compress(data)))
    assert open_container(tmp_path / "set.zip").read("a", 10_000) == data
    (tmp_path / "set.zip").write_bytes(packed_by(93, data, b"no zstd"))
    with pytest.raises(BadImageError, match=r"^damaged in the archive: "):
        open_container(tmp_path / "set.zip").read("a", 10_000)


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "cp1251", "shift_jis", "katakana"])
def test_a_folder_in_another_code_page_is_refused(tmp_path, encoding):
    folder = {
        "cp1252": "Gr\u00f6\u00dfe".encode("cp1252"),
        "gbk": "\u72d7".encode("gbk"),
        "cp1251": "\u043a\u043e\u0442".encode("cp1251"),
        "shift_jis": "\u732b".encode("shift_jis"),  # a cat: 94 4C, which is "\u00f6L" in code page 437
        "katakana": "\u30cd\u30b3".encode("shift_jis"),
    }[encoding]
    stored = make_zip({f"{'x' * len(folder)}/1.png": b"1"}).replace(b"x" * len(folder), folder)
    (tmp_path / "set.zip").write_bytes(stored)
    with pytest.raises(SightlineError, match="is in an unknown code page: pack it again with names in UTF-8"):
        open_container(tmp_path / "set.zip")


def test_a_folder_in_the_code_page_of_dos_is_read(tmp_path):
    for name in ("Gr\u00f6\u00dfe", "\u00e2ne", "\u00e9t\u00e9", "Br\u00f6tchen"):
        placeholder = "x" * len(name)
        stored = make_zip({f"{placeholder}/1.png": b"1"}).replace(placeholder.encode(), name.encode("cp437"))
        (tmp_path / "set.zip").write_bytes(stored)
        assert open_container(tmp_path / "set.zip").names() == [f"{name}/1.png"]


def test_a_zip_of_zips_is_one_line(workspace):
    (workspace / "data/raw/set.zip").write_bytes(make_zip({"a.zip": make_zip(), "b.zip": b""}))
    with pytest.raises(SightlineError, match=r"holds 'a.zip', 'b.zip' and no image: archives inside are not opened"):
        open_source("data/raw/set.zip")
