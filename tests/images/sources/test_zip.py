import contextlib
import io
import random
import tracemalloc
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.archives import ZipArchive
from sightline.images.sources.containers import open_container

LIMIT = 10**6
NOISE = random.Random(0).randbytes(3000)
FILES = {"cat/a.jpg": NOISE, "cat/b.jpg": b"b" * 5000, "dög/ü.jpg": b"", "dog/1 2.jpg": b"12"}


class Pipe(io.BytesIO):
    """A stream that cannot seek, so that zipfile puts sizes and checksums behind each member."""

    def seekable(self):
        return False

    def tell(self):
        raise OSError

    def seek(self, *_):
        raise OSError


def make_zip(files=FILES, method=zipfile.ZIP_STORED, stream=None, comment=b""):
    stream = stream or io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.comment = comment
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def make_zip64():
    """Write a zip whose numbers all stand in its zip64 fields, as if it were too large for 32 bits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 0)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
        return make_zip()


ZIPS = {
    "stored": make_zip,
    "deflated": lambda: make_zip(method=zipfile.ZIP_DEFLATED),
    "bzip2": lambda: make_zip(method=zipfile.ZIP_BZIP2),
    "lzma": lambda: make_zip(method=zipfile.ZIP_LZMA),
    "comment": lambda: make_zip(comment=b"photographs " * 1000),
    "something before it": lambda: b"#!/bin/sh\n" * 99 + make_zip(),
    "rare method and something before it": lambda: b"#!/bin/sh\n" * 99 + make_zip(method=zipfile.ZIP_BZIP2),
    "sizes behind the members": lambda: make_zip(method=zipfile.ZIP_DEFLATED, stream=Pipe()),
    "zip64": make_zip64,
    "zip64 and something before it": lambda: b"#!/bin/sh\n" * 99 + make_zip64(),
    "empty": lambda: make_zip({}),
}


@pytest.fixture
def opened(tmp_path):
    def write_and_open(data):
        (tmp_path / "set.zip").write_bytes(data)
        return open_container(tmp_path / "set.zip")

    return write_and_open


@pytest.mark.parametrize("kind", ZIPS)
def test_every_kind_of_zip_holds_what_zipfile_finds(opened, tmp_path, kind):
    container = opened(ZIPS[kind]())
    with zipfile.ZipFile(tmp_path / "set.zip") as trusted:
        expected = {name: trusted.read(name) for name in sorted(trusted.namelist())}
    assert {name: container.read(name, LIMIT) for name in container.names()} == expected
    assert container.names() == sorted(FILES) or kind == "empty"


def test_zip64_fields_are_really_there():
    assert b"PK\6\6" in make_zip64()
    assert make_zip64().count(b"\xff\xff\xff\xff") >= 2 * len(FILES)


def test_of_equal_names_the_last_one_counts(opened):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)
        for data in (b"1", b"22", b"333"):
            archive.writestr("cat/a.jpg", data)
    container = opened(stream.getvalue())
    assert container.names() == ["cat/a.jpg"]
    assert container.read("cat/a.jpg", LIMIT) == b"333"


@pytest.mark.parametrize(
    ("stored", "flag", "expected"),
    [
        ("m\u00fcller".encode(), 0x800, "m\u00fcller"),
        ("m\u00fcller".encode(), 0, "m\u00fcller"),  # as Linux's zip writes it
        ("m\u00fcller".encode("cp437"), 0, "m\u00fcller"),
        (b"cat\0hidden", 0, "cat"),
    ],
)
def test_names_are_utf8_or_code_page_437(opened, stored, flag, expected):
    placeholder = "x" * len(stored)
    data = make_zip({placeholder: b"1"}).replace(placeholder.encode(), stored)
    container = opened(set_flags(data, flag))
    assert container.names() == [expected]
    assert container.read(expected, LIMIT) == b"1"


def set_flags(data, flags):
    """Set the flags of the only member in its local header and in the directory."""
    data, entry = bytearray(data), data.index(b"PK\1\2")
    data[6:8] = data[entry + 8 : entry + 10] = flags.to_bytes(2, "little")
    return bytes(data)


def test_encrypted_members_are_bad_images(opened):
    container = opened(set_flags(make_zip({"a": b"1"}), 1))
    with pytest.raises(BadImageError, match="encrypted in the archive"):
        container.read("a", LIMIT)


def change(data, signature, place, value):
    """Overwrite bytes behind the first signature."""
    start = data.index(signature) + place
    return data[:start] + value + data[start + len(value) :]


DEFLATED = make_zip({"a": b"x" * 5000}, zipfile.ZIP_DEFLATED)
STORED = make_zip({"a": b"x" * 50})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (change(STORED, b"PK\3\4", 35, b"y"), "damaged in the archive: bad CRC-32"),
        (change(STORED, b"PK\3\4", 0, b"KP"), "damaged in the archive: bad magic number for file header"),
        (change(STORED, b"PK\1\2", 42, b"\xff\xff\xff\x7f"), "damaged in the archive: truncated file header"),
        (change(STORED, b"PK\1\2", 20, b"\xff\xff\0\0\xff\xff\0\0"), "damaged in the archive: truncated"),
        (change(STORED, b"PK\1\2", 24, b"\xff\xff\xff\x7f"), "too large: 2147483647 bytes"),
        (change(DEFLATED, b"PK\1\2", 24, b"\1\0\0\0"), "damaged in the archive: longer than its directory says"),
        (change(DEFLATED, b"PK\3\4", 31, b"\xff\xff\xff"), "damaged in the archive: Error -3"),
        (change(DEFLATED, b"PK\1\2", 10, b"\x62\0"), "packed by PPMd: pack the archive again"),
        (change(DEFLATED, b"PK\1\2", 10, b"\x0c\0"), "damaged in the archive: "),  # no bzip2 stream
        (change(DEFLATED, b"PK\1\2", 10, b"\x0e\0"), "damaged in the archive: "),  # no LZMA stream
    ],
)
def test_a_damaged_member_is_a_bad_image_with_its_reason(opened, data, reason):
    with pytest.raises(BadImageError, match=reason) as caught:
        opened(data).read("a", LIMIT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "File is not a zip file"),
        (b"PK\5\6", "File is not a zip file"),
        (STORED[:-1], "File is not a zip file"),
        (STORED[100:], "its beginning is missing|Bad magic number|Bad offset"),
        (change(STORED, b"PK\1\2", 0, b"KP"), "Bad magic number for central directory"),
        (change(STORED, b"PK\1\2", 28, b"\0"), "Truncated central directory"),
        (change(STORED, b"PK\1\2", 6, b"\xff"), "zip file version 25.5"),
        (STORED[30:], "its beginning is missing"),
        (set_flags(make_zip({"abc": b"1"}).replace(b"abc", b"\xff\xfe\xfd"), 0x800), "is not UTF-8"),
    ],
)
def test_a_damaged_directory_is_one_line(opened, data, message):
    with pytest.raises(SightlineError, match=f"set.zip: not a readable archive: .*({message})") as caught:
        opened(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["deflated", "zip64", "bzip2"])
def test_no_flipped_byte_gives_wrong_contents_or_a_traceback(opened, kind):
    whole = ZIPS[kind]()
    sound = set(FILES.values())
    for place in [*range(120), *range(len(whole) - 700, len(whole))]:
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        try:
            container = opened(bytes(damaged))
        except SightlineError:
            continue
        for name in container.names():
            with contextlib.suppress(BadImageError):
                assert container.read(name, LIMIT) in sound


def test_threads_read_at_the_same_time(opened):
    files = {f"{number:03d}": random.Random(number).randbytes(20_000) for number in range(200)}
    container = opened(make_zip(files, zipfile.ZIP_DEFLATED))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda name: container.read(name, LIMIT), files))
    assert read == list(files.values())


def test_a_member_takes_few_bytes_of_memory(tmp_path):
    path, count = tmp_path / "many.zip", 20_000
    path.write_bytes(make_zip({f"class_{number % 10}/image_{number:07d}.jpg": b"" for number in range(count)}))
    tracemalloc.start()
    try:
        container = ZipArchive(path)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(container.names()) == count
    assert kept / count < 160  # a name of 74 bytes, 48 of numbers, 8 of the list; zipfile keeps 700
    assert most / count < 800  # while the directory is read
