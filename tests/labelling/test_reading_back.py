"""Exports that are read one after the other: what the table and the history hold then."""

import json

import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, read_table, write_json, write_table
from sightline.labelling.batch import COLUMNS, file_name
from sightline.labelling.reading import read_back
from small_run import SUBSETS, make_run

ASKED = ["pool/a.png", "pool/b.png"]
FIRST = ["photos/ant/0.png,ant,train", "photos/bee/1.png,bee,val", "photos/éléphant/2.png,éléphant,test"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository with three labelled images and a batch of two from the pool."""
    monkeypatch.chdir(tmp_path)
    fill("data/raw/photos", SUBSETS, tmp_path)
    rows = pd.DataFrame({"rank": [1, 2], "id": ASKED, "sha256": ["00" * 32, "11" * 32]})
    rows["file"] = [file_name(*row) for row in rows[["id", "sha256"]].itertuples(index=False)]
    rows = rows.assign(strategy="mix", score=0.0, prediction="ant", confidence=0.5)
    (tmp_path / "labels/1").mkdir(parents=True)
    write_table(tmp_path / "labels/1/batch.csv", rows[list(COLUMNS)])
    return tmp_path


def fill(source, subsets, here):
    """Leave what prepare and split do of a folder of images, one for each subset."""
    make_run(here, subsets)
    write_json(here / "data/prepared/dataset.json", read_json(here / "data/prepared/dataset.json") | {"source": source})
    for name in read_table(here / "data/prepared/index.csv")["id"]:
        (here / source / name).parent.mkdir(parents=True, exist_ok=True)
        (here / source / name).write_bytes(b"an image")


def read(here, labels, moment="2026-01-02T00:00:00Z", export="export.json"):
    """Read what Label Studio exports when the batch's images have these labels, ``""`` for none."""
    tasks = []
    for file, label in zip(read_table("labels/1/batch.csv")["file"], labels, strict=True):
        mark = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
        said = {"completed_by": 5, "updated_at": moment, "result": [mark]}
        tasks.append({"data": {"image": file}, "annotations": [said] if label else []})
    (here / export).write_text(json.dumps(tasks))
    return "\n".join(read_back(here / export, here / "labels"))


def table(here, name="photos"):
    return (here / f"data/raw/{name}_labelled.csv").read_text().splitlines()[1:]


def test_images_that_the_source_gets_later_join_the_table(here):
    read(here, ["ant", ""])
    assert table(here) == [*FIRST, "pool/a.png,ant,train"]
    fill("data/raw/photos", (*SUBSETS, "test", "train"), here)
    assert "label: 2 images of data/raw/photos were not in it: they are now, each in its subset" in read(
        here, ["", "bee"]
    )
    later = ["photos/ant/3.png,ant,test", "photos/bee/4.png,bee,train"]
    assert table(here) == [*FIRST, "pool/a.png,ant,train", *later, "pool/b.png,bee,train"]
    assert "were not in it" not in read(here, ["ant", "bee"])


def test_sources_of_like_names_have_tables_of_their_own(here):
    read(here, ["ant", ""])
    fill("data/raw/photos.v2", SUBSETS, here)
    told = read(here, ["", "bee"], export="second.json")
    assert "label: 1 images that were read before have no label in it: read their exports too: export.json" in told
    assert table(here) == [*FIRST, "pool/a.png,ant,train"]
    others = [row.replace("photos/", "photos.v2/") for row in FIRST]
    assert table(here, "photos.v2") == [*others, "pool/b.png,bee,train"]
    assert "read their exports" not in read(here, ["ant", ""])


@pytest.mark.parametrize("text", ["path,label\nothers/1.png,ant\n", "file,breed\nphotos/ant/0.png,ant\n"])
def test_the_table_of_another_source_is_refused(here, text):
    path = here / "data/raw/photos_labelled.csv"
    path.write_text(text)
    with pytest.raises(SightlineError, match="holds no image of data/raw/photos: it is another source's: move it"):
        read(here, ["ant", "bee"])
    assert path.read_text() == text


def test_an_older_export_undoes_no_correction(here):
    read(here, ["ant", "ant"], "2026-01-02T00:00:00Z")
    assert "0 images got a label, 2 another one" in read(here, ["bee", "bee"], "2026-01-02T00:00:00.5+00:00")
    history = (here / "labels/history.csv").read_text()
    told = read(here, ["ant", "wasp"], "2026-01-02T00:00:00Z")
    assert "label: 2 labels of this export are older than those read before: left as they are" in told
    assert "0 images got a label, 0 another one, 0 had it already" in told
    assert "wasp" not in told
    assert "2 had it already" in read(here, ["bee", "bee"], "2026-01-02T00:00:00.5+00:00")
    assert table(here) == [*FIRST, "pool/a.png,bee,train", "pool/b.png,bee,train"]
    assert (here / "labels/history.csv").read_text() == history


def test_what_was_found_right_later_stands_against_what_lies_between(here):
    read(here, ["ant", "ant"], "2026-01-01")
    assert "2 had it already" in read(here, ["ant", "ant"], "2026-01-03")
    assert "2 labels of this export are older" in read(here, ["bee", "bee"], "2026-01-02")
    assert table(here) == [*FIRST, "pool/a.png,ant,train", "pool/b.png,ant,train"]


@pytest.mark.parametrize("moments", [("", ""), ("2026-01-02", ""), ("", "2026-01-02"), ("2026-01-02", "2026-01-02")])
def test_without_two_moments_that_differ_the_last_read_counts(here, moments):
    read(here, ["ant", "ant"], moments[0])
    assert "2 another one" in read(here, ["bee", "bee"], moments[1])
    assert table(here) == [*FIRST, "pool/a.png,bee,train", "pool/b.png,bee,train"]


def test_a_run_that_ended_between_history_and_table_can_be_repeated(here):
    read(here, ["ant", "ant"])
    before = (here / "data/raw/photos_labelled.csv").read_text()
    read(here, ["bee", "bee"], "2026-01-03")
    (here / "data/raw/photos_labelled.csv").write_text(before)
    assert "2 another one" in read(here, ["bee", "bee"], "2026-01-03")
    assert len(read_table("labels/history.csv")) == 4
