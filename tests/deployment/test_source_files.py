import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sightline.common.errors import SightlineError
from sightline.deployment.parity import ParitySet
from sightline.deployment.source_files import ParityImages, open_files
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.naming import naming_of

HOW = Preprocessing(image_size=12, fit="pad", resample="bicubic", background=[9, 8, 7])


@pytest.fixture
def zipped(workspace, encode):
    """data/raw/p.zip with five JPEG files, and what prepare would store of them."""
    contents = {f"{'ab'[n % 2]}/{n}.jpg": encode((30, 20 + n), "JPEG", seed=n) for n in range(5)}
    with zipfile.ZipFile("data/raw/p.zip", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return list(contents), np.stack([decode(content, HOW, 10_000).pixels for content in contents.values()])


def images(ids, pixels, at_once):
    compared = ParitySet("test", ids, np.arange(len(ids)), np.zeros(len(ids), int), None)
    return ParityImages(pixels, compared, open_files("data/raw/p.zip", HOW), at_once)


def test_files_give_the_stored_pixels_again(zipped):
    ids, pixels = zipped
    found = list(images(ids, np.zeros_like(pixels), at_once=2).decoded())  # stored pixels are not looked at
    assert [len(batch) for batch in found] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(found), pixels)


def test_without_files_the_stored_pixels_serve(zipped):
    ids, pixels = zipped
    Path("data/raw/p.zip").unlink()
    gone = images(ids, pixels, at_once=3)
    assert gone.files is None
    np.testing.assert_array_equal(np.concatenate(list(gone.decoded())), pixels)


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_file_that_changed_is_named(zipped, damage):
    ids, pixels = zipped
    stream = io.BytesIO()
    with zipfile.ZipFile("data/raw/p.zip") as before, zipfile.ZipFile(stream, "w") as after:
        for name in ids:
            if name != ids[3]:
                after.writestr(name, before.read(name))
            elif damage == "truncated":
                after.writestr(name, before.read(name)[:200])
    Path("data/raw/p.zip").write_bytes(stream.getvalue())
    with pytest.raises(SightlineError, match=r"data/raw/p\.zip: b/3\.jpg: .*run `dvc repro prepare`"):
        list(images(ids, pixels, at_once=2).decoded())


def test_shards_and_named_columns_are_found_again(workspace, encode):
    content = encode((20, 20), "JPEG")
    with tarfile.open("data/raw/0.tar", "w") as archive:
        for name, data in (("1.jpg", content), ("1.seg.jpg", b"mask"), ("1.cls", b"3")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    files = open_files("data/raw/{0..0}.tar", HOW, naming_of({"path": "jpg"}))
    np.testing.assert_array_equal(files.read(["0.tar/1.jpg"])[0], decode(content, HOW, 10_000).pixels)
    assert open_files("data/raw/gone/{0..0}.tar", HOW) is None
