"""Images without labels: which of them are stored, in what order, and what a user is told."""

import csv
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from prepare import main
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.images.pool import read_pool
from sightline.images.store import open_pixels, read_index
from sightline.parameters.prepare import PrepareParams
from sightline.preparing import shards
from sightline.preparing.kept import FOLDER

RAW = Path("data/raw")


@pytest.fixture
def prepare(photo_folder, set_params):
    def run(unlabelled="data/raw/new", source="data/raw/photos", **changes):
        set_params(**{"prepare.source": source, "prepare.unlabelled": unlabelled, "prepare.image_size": 16, **changes})
        main(load_params(PrepareParams))
        return json.loads(Path("metrics/prepare.json").read_text())

    return run


@pytest.fixture
def fill(workspace, encode):
    """Write different images, or given bytes, below data/raw: fill("new", a=1, b=b"bytes")."""

    def write(folder, **files):
        for name, content in files.items():
            path = RAW / folder / name.replace("__", "/").replace("_png", ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else encode((20, 24), seed=content))

    return write


def left_out():
    with Path("data/pool/quarantine.csv").open() as stream:
        return {row["path"]: row["reason"] for row in csv.DictReader(stream)}


def test_without_a_pool_nothing_else_is_written_and_the_pool_is_empty(prepare):
    metrics = prepare("")
    pixels, index = read_pool()
    assert pixels.shape == (0, 16, 16, 3)
    assert index.empty
    assert left_out() == {}
    assert "pool" not in metrics


def test_a_pool_changes_nothing_of_the_labelled_images(prepare, fill):
    prepare("")
    before = {path.name: path.read_bytes() for path in Path("data/prepared").iterdir()}
    fill("new", a_png=1)
    prepare()
    assert {path.name: path.read_bytes() for path in Path("data/prepared").iterdir()} == before


def test_equal_and_repeated_images_are_left_out_and_near_ones_are_told(prepare, fill, capsys):
    cat = Path("data/raw/photos/cat/1.png").read_bytes()
    fill("new", sub__a_png=1, b_png=2, c_png=1, equal_png=cat, notes_png=b"a text")
    near = read_near(cat)
    fill("new", near_png=near)
    metrics = prepare()
    _, index = read_pool()
    assert index["id"].tolist() == ["new/b.png", "new/c.png", "new/near.png"]
    assert index["near_labelled"].tolist() == ["", "", "cat/1.png"]
    assert left_out() == {
        "new/equal.png": "equal to a labelled image: cat/1.png",
        "new/sub/a.png": "equal to another image of the pool: new/c.png",
        "new/notes.png": "not an image",
    }
    assert metrics["pool"] == {
        "images": 3,
        "equal_to_labelled": 1,
        "repeated": 1,
        "near_labelled": 1,
        "quarantined": 1,
        "quarantined_by_reason": {"not an image": 1},
    }
    assert metrics["images"] == 7
    assert (
        "prepare: pool: 3 images without a label, 1 of them near duplicates of labelled ones; left out: 1 equal to "
        "labelled ones, 1 repeated, 1 unusable (data/pool/quarantine.csv)\n"
        "prepare: pool: the first that cannot be used: new/notes.png (not an image)\n"
    ) in capsys.readouterr().out
    assert (index[["width", "height"]] == [24, 20]).all().all()


def read_near(data):
    """Return an image that differs from another one in a single pixel, by one level."""
    import io

    from PIL import Image

    pixels = np.array(Image.open(io.BytesIO(data)))
    pixels[10, 10] ^= 8
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_pool_and_labelled_images_have_the_same_preprocessing(prepare, fill, encode):
    image = encode((50, 30), seed=5)
    fill("new", wide_png=image)
    prepare(**{"prepare.fit": "pad"})
    stored = read_pool()[0][0]
    fill("photos", dog__wide_png=image)
    prepare("", **{"prepare.fit": "pad"})
    row = read_index()["id"].tolist().index("dog/wide.png")
    assert (open_pixels()[row] == stored).all()


def test_an_archive_is_read_in_place_and_named_by_its_path(prepare, fill, encode):
    with zipfile.ZipFile(RAW / "new.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"train/cat/{number}.png", encode((9, 9), seed=number))
        archive.writestr("readme.txt", "a text")
    prepare("data/raw/new.zip")
    assert read_pool()[1]["id"].tolist() == [f"new.zip/train/cat/{number}.png" for number in range(3)]


def test_rows_without_a_label_go_into_the_pool_with_their_columns(prepare, photo_folder, fill, capsys):
    rows = [f"photos/{name}.png,{name[:3]},,x" for name in ("cat/0", "cat/1", "dog/0", "dog/1")]
    rows += ["photos/cat/2.png,,train,y", "photos/dog/2.png,,,z"]
    (RAW / "table.csv").write_text("\n".join(["path,label,subset,site", *rows]))
    fill("new", a_png=1, b_png=Path("data/raw/photos/cat/2.png").read_bytes())
    metrics = prepare(source="data/raw/table.csv")
    _, index = read_pool()
    assert index["id"].tolist() == ["photos/cat/2.png", "photos/dog/2.png", "new/a.png"]
    assert index["site"].tolist() == ["y", "z", ""]
    assert left_out() == {"new/b.png": "equal to another image of the pool: photos/cat/2.png"}
    assert (metrics["images"], metrics["quarantined"]) == (4, 0)
    assert "prepare: pool: 2 rows of the table have no label and are part of it" in capsys.readouterr().out


def test_a_row_that_the_pool_holds_too_is_stored_once(prepare, photo_folder):
    rows = ["cat/0.png,cat", "cat/1.png,cat", "dog/0.png,dog", "dog/1.png,dog", "cat/2.png,"]
    (photo_folder / "table.csv").write_text("\n".join(["path,label", *rows]))
    metrics = prepare("data/raw/photos", source="data/raw/photos/table.csv")
    assert read_pool()[1]["id"].tolist() == ["photos/cat/2.png", "photos/cat/3.png", "photos/dog/2.png"]
    assert (metrics["pool"]["equal_to_labelled"], metrics["pool"]["repeated"]) == (4, 1)


def test_an_image_of_test_without_a_label_is_never_pooled(prepare, photo_folder):
    (RAW / "table.csv").write_text("path,label,subset\nphotos/cat/0.png,cat,train\nphotos/cat/1.png,,test\n")
    with pytest.raises(SightlineError, match="line 3: label must not be empty in subset 'test': leave the row out"):
        prepare("", source="data/raw/table.csv")


def test_a_pool_of_labelled_images_alone_is_empty_with_a_line(prepare, photo_folder, capsys):
    shutil.copytree(photo_folder, RAW / "new")
    assert prepare()["pool"]["equal_to_labelled"] == 7
    assert len(read_pool()[0]) == 0
    assert "prepare: pool: nothing is left: each image has a label already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("unlabelled", "told"),
    [
        ("data/raw/gone", "prepare.unlabelled: data/raw/gone does not exist: put a folder or an archive of"),
        ("data/raw/empty", "prepare.unlabelled: data/raw/empty holds no image: put images there, or set it to ''"),
        ("data/raw/a.csv", "prepare.unlabelled: data/raw/a.csv must be a folder or one of .zip .tar"),
        ("photos", "prepare.unlabelled: 'photos' must be a path below data/raw, where DVC sees it"),
        ("data/raw/bad.zip", "data/raw/bad.zip: not a readable archive"),
        ("data/raw/broken", "data/raw/broken: none of its files can be used: first broken/0.png (not an image): put"),
    ],
)
def test_a_pool_that_cannot_be_used_is_one_line(prepare, fill, unlabelled, told):
    (RAW / "empty").mkdir()
    (RAW / "empty/notes.txt").write_text("")
    (RAW / "a.csv").write_text("")
    (RAW / "bad.zip").write_bytes(b"PK no archive")
    fill("broken", **{f"{number}_png": b"text" for number in range(2)})
    with pytest.raises(SightlineError) as caught:
        prepare(unlabelled)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pool_of_mostly_bad_files_is_what_is_good_of_it(prepare, fill):
    fill("new", **{f"{number}_png": b"text" for number in range(9)}, good_png=1)
    metrics = prepare(**{"prepare.max_bad_fraction": 0.0})
    assert (metrics["pool"]["images"], metrics["pool"]["quarantined"], metrics["quarantined"]) == (1, 9, 0)
    assert len(left_out()) == 9


def test_what_was_in_the_pool_is_not_decoded_again_when_it_has_a_label(prepare, fill, monkeypatch, encode):
    fill("new", a_png=1, b_png=2)
    prepare()
    assert len(list(FOLDER.glob("*.npy"))) == 2
    decoded = []
    decode = shards.decode
    monkeypatch.setattr(shards, "decode", lambda *arguments: decoded.append(None) or decode(*arguments))
    Path("data/raw/new/a.png").rename("data/raw/photos/dog/a.png")
    assert prepare()["images"] == 8
    assert decoded == []
    assert read_pool()[1]["id"].tolist() == ["new/b.png"]
