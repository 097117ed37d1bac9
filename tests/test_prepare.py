import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prepare import Params, main
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.images.store import open_pixels, read_dataset, read_index

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture
def prepare(set_params):
    def run(source, **changes):
        set_params(**{"prepare.source": source, "prepare.image_size": 16, "prepare.max_bad_fraction": 0.5, **changes})
        main(load_params(Params))
        return json.loads(Path("metrics/prepare.json").read_text())

    return run


def test_pixels_index_and_metrics_agree(prepare, photo_folder):
    metrics = prepare("data/raw/photos")
    pixels, index, dataset = open_pixels(), read_index(), read_dataset()
    assert pixels.shape == (7, 16, 16, 3)
    assert dataset.classes == ["cat", "dog"]
    assert index["id"].tolist() == [f"cat/{i}.png" for i in range(4)] + [f"dog/{i}.png" for i in range(3)]
    assert index["label"].tolist() == [0] * 4 + [1] * 3
    assert (index["width"] == 24).all()
    assert (index["height"] == 20).all()
    assert (metrics["images"], metrics["smallest_class"], metrics["largest_class"]) == (7, 3, 4)
    assert metrics["exact_duplicates"] == metrics["quarantined"] == 0


def test_two_runs_write_the_same_bytes(prepare, photo_folder):
    def snapshot():
        files = [*Path("data/prepared").iterdir(), *Path("plots/prepare").iterdir(), Path("metrics/prepare.json")]
        return {path.name: path.read_bytes() for path in files}

    prepare("data/raw/photos")
    first = snapshot()
    prepare("data/raw/photos")
    assert snapshot() == first
    assert len(first) == 9


def test_bad_files_are_quarantined_with_their_reason(prepare, photo_folder, encode):
    (photo_folder / "cat/empty.jpg").write_bytes(b"")
    (photo_folder / "cat/notes.txt").write_text("a text")
    (photo_folder / "dog/half.jpg").write_bytes(encode((30, 30), "JPEG")[:800])
    (photo_folder / "cover.png").write_bytes(encode((9, 9)))
    (photo_folder / "dog/huge.png").write_bytes(encode((40, 40)))
    metrics = prepare("data/raw/photos", **{"prepare.max_pixels": 1000})
    with Path("data/prepared/quarantine.csv").open() as stream:
        reasons = {row["path"]: row["reason"].split(":")[0] for row in csv.DictReader(stream)}
    assert reasons == {
        "cover.png": "not below a class folder",
        "cat/empty.jpg": "empty file",
        "cat/notes.txt": "not an image",
        "dog/half.jpg": "damaged",
        "dog/huge.png": "too large",
    }
    assert metrics["quarantined"] == 5
    assert metrics["quarantined_by_reason"]["too large"] == 1
    assert metrics["images"] == len(open_pixels()) == 7


def test_too_many_bad_files_fail_and_are_listed(prepare, photo_folder):
    (photo_folder / "cat/empty.jpg").write_bytes(b"")
    with pytest.raises(SightlineError, match=r"1 of 8 files cannot be used, more than 0.1: first cat/empty.jpg"):
        prepare("data/raw/photos", **{"prepare.max_bad_fraction": 0.1})
    assert "cat/empty.jpg,empty file" in Path("data/prepared/quarantine.csv").read_text()


def test_equal_pixels_under_two_labels_are_shown(prepare, photo_folder):
    (photo_folder / "dog/copy.png").write_bytes((photo_folder / "cat/1.png").read_bytes())
    (photo_folder / "cat/again.png").write_bytes((photo_folder / "cat/1.png").read_bytes())
    metrics = prepare("data/raw/photos")
    assert (metrics["exact_duplicates"], metrics["label_conflicts"]) == (2, 1)
    rows = Path("data/prepared/conflicts.csv").read_text().splitlines()
    assert rows == ["class,other_class,id,other_id", "cat,dog,cat/1.png,dog/copy.png"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: [path.unlink() for path in root.rglob("*.png")], "no labelled image found"),
        (lambda root: [path.unlink() for path in root.glob("dog/*")], "only one class .'cat'."),
        (
            lambda root: [path.unlink() for path in list(root.glob("dog/*"))[1:]],
            "fewer than 2 usable images: 'dog' .1.",
        ),
        (lambda root: (root / "dog").rename(root / "Cat"), "'Cat' and 'cat' differ only in case"),
    ],
)
def test_data_that_cannot_be_used_is_one_line(prepare, photo_folder, spoil, message):
    spoil(photo_folder)
    with pytest.raises(SightlineError, match=message) as caught:
        prepare("data/raw/photos")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/dev/full", os.W_OK), reason="needs /dev/full")
def test_a_full_disk_is_one_line_and_leaves_no_half_file(workspace, photo_folder, set_params):
    set_params(**{"prepare.source": "data/raw/photos"})
    Path("data/prepared").mkdir()
    Path("data/prepared/.images.npy.partial").symlink_to("/dev/full")
    script = Path(__file__).resolve().parent.parent / "stages/prepare.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(Path("data/prepared").iterdir())


def test_photos_of_ants_and_bees(prepare):
    if not SHARED.exists():
        pytest.skip("the shared trial images are not here")
    Path("data/raw/ants_bees.zip").symlink_to(SHARED / "ants_bees.zip")
    metrics = prepare("data/raw/ants_bees.zip")
    assert (metrics["images"], metrics["classes"], metrics["quarantined"]) == (398, 2, 0)
    assert read_index()["subset"].value_counts().to_dict() == {"train": 245, "val": 153}
    assert 60 < np.mean(open_pixels()) < 200
