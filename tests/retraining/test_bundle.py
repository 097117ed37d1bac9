"""Old and new images in one archive that prepare takes for what they were: ids, classes, sides, groups, columns."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import write_table
from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.containers import Folder
from sightline.images.sources.open import open_source
from sightline.images.store import DatasetSpec
from sightline.retraining.additions import find_additions, name_of
from sightline.retraining.base import Base
from sightline.retraining.bundle import write_bundle

HOW = Preprocessing(8, "crop", "box", [255, 255, 255])
MOST = 1000  # pixels


@pytest.fixture
def photo(encode):
    return lambda value: encode(np.full((8, 8, 3), value, np.uint8))


@pytest.fixture
def monitored(tmp_path, photo):
    """What `make monitor` leaves: two new images, one as in training, one twice, one not kept, one that is none."""
    folder = tmp_path / "monitor/labelled"
    (folder / "images").mkdir(parents=True)
    contents = {"a": photo(1), "b": photo(2), "old": photo(10), "twice": photo(2), "bad": b"no image"}
    for name, content in contents.items():
        (folder / f"images/{name}.png").write_bytes(content)
    paths = [*(f"images/{name}.png" for name in contents), "gone"]
    write_table(folder / "labels.csv", pd.DataFrame({"path": paths, "label": "cat", "predicted": "dog"}))
    return tmp_path / "monitor"


def pixels_hash(content):
    return hashlib.sha256(decode(content, HOW, MOST).pixels.tobytes()).hexdigest()


def test_only_new_images_are_added(monitored, photo):
    found = find_additions(monitored, {pixels_hash(photo(10))}, HOW, MOST)
    assert [image.file.name for image in found.images] == ["a.png", "b.png"]
    assert (found.not_kept, found.seen, found.unreadable) == (1, 2, 1)
    assert found.describe() == "2 labelled images are new; others: 1 not kept, 2 seen before, 1 unreadable"
    with pytest.raises(SightlineError, match="not found: `make monitor` writes it"):
        find_additions(monitored / "x", set(), HOW, MOST)


@pytest.fixture
def base(tmp_path, photo):
    """Images in folders that are subsets, one of which was drawn for validation; one has a group and a column more."""
    ids = ["train/dog/1.png", "train/cat/1.png", "test/cat/1.png"]
    for row, name in enumerate(ids):
        path = tmp_path / "data/raw/photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(10 + row))
    images = pd.DataFrame({"id": ids, "class": ["dog", "cat", "cat"], "group": ["", "g", ""], "camera": ["x", "", ""]})
    images = images.assign(subset=["train", "val", "test"], sha256="")
    spec = DatasetSpec(source="data/raw/photos", classes=["cat", "dog"], images=3, preprocessing=HOW)
    return Base(spec, images)


def test_prepare_reads_the_archive_as_it_was(base, monitored, tmp_path, photo, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new = find_additions(monitored, set(), HOW, MOST)
    sides = ["test", "train", "train"]
    write_bundle(tmp_path / "data/raw/retrained.zip", base, Folder(tmp_path / "data/raw/photos"), new, sides)
    first = (tmp_path / "data/raw/retrained.zip").read_bytes()
    write_bundle(tmp_path / "data/raw/retrained.zip", base, Folder(tmp_path / "data/raw/photos"), new, sides)
    assert (tmp_path / "data/raw/retrained.zip").read_bytes() == first
    listing, container = open_source("data/raw/retrained.zip")
    columns = (listing.classes, listing.subsets, listing.groups, listing.further["camera"])
    told = {name: cells for name, *cells in zip(listing.paths, *columns, strict=True)}
    names = [name_of(image) for image in new.images]
    assert told == {
        "train/dog/1.png": ["dog", "train", "", "x"],
        "train/cat/1.png": ["cat", "val", "g", ""],
        "test/cat/1.png": ["cat", "test", "", ""],
        names[0]: ["cat", "test", "", ""],
        names[1]: ["cat", "train", "", ""],
        names[2]: ["cat", "train", "", ""],
    }
    values = dict(zip(base.images["id"].tolist() + names, (10, 11, 12, 1, 2, 10), strict=True))
    assert {name: container.read(name, 1 << 20) for name in listing.paths} == {
        name: photo(value) for name, value in values.items()
    }
    assert listing.refused == []


def test_an_image_that_is_gone_is_one_line(base, monitored, tmp_path):
    (tmp_path / "data/raw/photos/test/cat/1.png").unlink()
    new = find_additions(monitored, set(), HOW, MOST)
    with pytest.raises(SightlineError, match=r"data/raw/photos: test/cat/1\.png: .*bring it back"):
        write_bundle(tmp_path / "x.zip", base, Folder(tmp_path / "data/raw/photos"), new, ["train"] * 3)
    assert not (tmp_path / "x.zip").exists()
