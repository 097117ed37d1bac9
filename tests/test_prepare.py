import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prepare import main
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.explaining.quality.pointing import place_boxes
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.store import open_pixels, read_dataset, read_index
from sightline.parameters.prepare import PrepareParams
from sightline.scoring.diagnosis.slices import describe_images, measure_slices

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture
def prepare(set_params):
    def run(source, **changes):
        set_params(**{"prepare.source": source, "prepare.image_size": 16, "prepare.max_bad_fraction": 0.5, **changes})
        main(load_params(PrepareParams))
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
    (photo_folder / "cat/notes.png").write_text("a text")
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
        "cat/notes.png": "not an image",
        "dog/half.jpg": "damaged",
        "dog/huge.png": "too large",
    }
    assert metrics["quarantined"] == 5
    assert metrics["side_files"] == {".txt": 1}
    assert metrics["quarantined_by_reason"]["too large"] == 1
    assert metrics["images"] == len(open_pixels()) == 7


def test_too_many_bad_files_fail_and_are_listed(prepare, photo_folder):
    (photo_folder / "cat/empty.jpg").write_bytes(b"")
    with pytest.raises(SightlineError, match=r"1 of 8 files cannot be used, more than 0.1: first cat/empty.jpg"):
        prepare("data/raw/photos", **{"prepare.max_bad_fraction": 0.1})
    assert "cat/empty.jpg,empty file" in Path("data/prepared/quarantine.csv").read_text()


def test_what_was_not_meant_to_be_used_fails_nothing_and_is_told(prepare, photo_folder, encode, capsys):
    for subset in ("Training", "seg_pred"):
        (photo_folder / subset).mkdir()
    for name in ("cat", "dog"):
        (photo_folder / name).rename(photo_folder / "Training" / name)
    for number in range(20):
        (photo_folder / f"seg_pred/{number}.png").write_bytes(encode((9, 9), seed=number))
    (photo_folder / "Training/cat/0.json").write_text("{}")
    metrics = prepare("data/raw/photos", **{"prepare.max_bad_fraction": 0.0})
    assert (metrics["images"], metrics["quarantined"], metrics["side_files"]) == (7, 20, {".json": 1})
    assert metrics["quarantined_by_reason"] == {"not below a class folder": 20}
    assert set(read_index()["subset"]) == {"train"}
    assert capsys.readouterr().out.splitlines() == [
        "prepare: subsets: 'Training' is train, 'seg_pred' is unlabelled",
        "prepare: left aside as no images: 1 .json",
        "prepare: left aside and listed in data/prepared/quarantine.csv: 20 not below a class folder",
    ]


def test_entries_that_are_no_files_are_quarantined(prepare, photo_folder):
    os.mkfifo(photo_folder / "cat/pipe.png")
    (photo_folder / "cat").joinpath(os.fsdecode(b"gr\xfcn\r.png")).write_bytes(b"")
    assert prepare("data/raw/photos")["quarantined"] == 2
    rows = Path("data/prepared/quarantine.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1:] == [
        "cat/gr\\xfcn\\r.png,the name is not UTF-8: rename it",
        'cat/pipe.png,"not a file: a pipe, a socket or a device"',
    ]


def test_equal_pixels_under_two_labels_are_shown(prepare, photo_folder):
    (photo_folder / "dog/copy.png").write_bytes((photo_folder / "cat/1.png").read_bytes())
    (photo_folder / "cat/again.png").write_bytes((photo_folder / "cat/1.png").read_bytes())
    metrics = prepare("data/raw/photos")
    assert (metrics["exact_duplicates"], metrics["label_conflicts"]) == (2, 1)
    rows = Path("data/prepared/conflicts.csv").read_text().splitlines()
    assert rows == ["class,other_class,id,other_id", "cat,dog,cat/1.png,dog/copy.png"]


def write_photo_table(folder):
    """A row for each photo and one for a file that is missing; boxes on the first two cats."""
    box = {0: "6,5,12,10", 1: "0,0,24,20"}
    rows = ["path,label,camera,box_x,box_y,box_width,box_height,lux", "cat/gone.png,cat,left,1,1,1,1,"]
    rows += [f"cat/{i}.png,cat,{'left' if i < 2 else 'right'},{box.get(i, ',,,')},0{i}" for i in range(4)]
    rows += [f'dog/{i}.png,dog,"right, below",,,,,' for i in range(3)]
    (folder / "table.csv").write_text("\n".join(rows) + "\n")


def test_further_columns_of_a_table_reach_slices_and_boxes(prepare, photo_folder):
    write_photo_table(photo_folder)
    metrics = prepare("data/raw/photos/table.csv", **{"prepare.fit": "stretch"})
    index = read_index()
    assert (metrics["images"], metrics["quarantined"]) == (7, 1)
    assert index.columns.tolist()[9:] == ["camera", "box_x", "box_y", "box_width", "box_height", "lux"]
    assert index["camera"].tolist() == ["left"] * 2 + ["right"] * 2 + ["right, below"] * 3
    assert index["lux"].tolist() == ["00", "01", "02", "03", "", "", ""]

    slices = measure_slices(describe_images(index), np.arange(7) >= 2, 0.95).set_index("slice")
    assert slices.loc["camera left", ["images", "accuracy"]].tolist() == [2, 0]
    assert slices.loc["camera right, below", ["images", "accuracy"]].tolist() == [3, 1]
    assert not [name for name in slices.index if name.startswith("lux")]  # nearly a value an image

    how = Preprocessing(image_size=16, fit="stretch", resample="bilinear", background=[0, 0, 0])
    boxes = place_boxes(index, [0, 1, 2, 4], how, 16)
    assert {row: box.tolist() for row, box in boxes.items()} == {0: [4, 4, 12, 12], 1: [0, 0, 16, 16]}


def test_other_sources_have_no_further_columns(prepare, photo_folder):
    prepare("data/raw/photos")
    header = Path("data/prepared/index.csv").read_text().splitlines()[0]
    assert header == "id,label,class,group,subset,width,height,sha256,phash"


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


def test_how_a_source_names_its_classes_stands_in_dataset_json_where_it_is_not_plain(prepare, photo_folder):
    for path in [*photo_folder.glob("*/*.png")]:
        path.rename(photo_folder / f"{path.parent.name}_{path.name}")
    pattern = r"regex:^(?P<label>.+)_\d+"
    assert prepare("data/raw/photos", **{"prepare.label": pattern})["images"] == 7
    assert read_dataset().naming == {"label": pattern}
    assert read_dataset().classes == ["cat", "dog"]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("regex:(cat", "params.yaml: prepare.label: not a pattern: "),
        ("regex:^(.+)_", r"params.yaml: prepare.label: the pattern must hold \(\?P<label>...\) \(got 'regex:"),
    ],
)
def test_a_pattern_without_a_label_is_one_line(prepare, photo_folder, label, message):
    with pytest.raises(SightlineError, match=message):
        prepare("data/raw/photos", **{"prepare.label": label})


def test_filled_files_are_counted_and_named(prepare, photo_folder, encode, capsys):
    for name in ("cat/8.jpg", "dog/9.jpg"):
        (photo_folder / name).write_bytes(encode((40, 40), "JPEG", seed=len(name) + int(name[4]))[:-40])
    assert prepare("data/raw/photos")["quarantined_by_reason"] == {"damaged": 2}
    metrics = prepare("data/raw/photos", **{"prepare.truncated": "fill"})
    assert (metrics["quarantined"], metrics["filled"]) == (0, 2)
    told = "prepare: 2 files are damaged or lack their end, and were filled: cat/8.jpg, dog/9.jpg\n"
    assert told in capsys.readouterr().out


def test_corrections_change_classes_and_are_counted(prepare, photo_folder):
    table = Path("data/raw/corrections.csv")
    table.write_text("id,action,label\ncat/0.png,relabel,dog\ncat/1.png,remove,\n")
    metrics = prepare("data/raw/photos", **{"prepare.corrections": str(table)})
    index = read_index()
    assert dict(zip(index["id"], index["class"], strict=True))["cat/0.png"] == "dog"
    assert "cat/1.png" not in set(index["id"])
    assert metrics["corrections"] == {"kept": 0, "relabelled": 1, "removed": 1}
    assert metrics["quarantined_by_reason"] == {"removed by prepare.corrections": 1}
