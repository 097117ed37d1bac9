"""make label: from a pool to a batch, and from Label Studio's export to the table that prepare reads."""

import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import prepare
import split
from imports import ROOT
from label import Params, main
from sightline.common.files import read_table
from sightline.common.params import load_params
from sightline.common.stage import run_stage
from sightline.images.pool import read_pool
from sightline.images.store import read_dataset, read_index
from sightline.networks.saved import read_spec, write_spec
from sightline.parameters.prepare import PrepareParams
from sightline.parameters.split import SplitParams
from small_run import CLASSES, SIZE, make_run

EACH = 6  # labelled images of a class
POOLED = 12


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A repository after evaluate, with noise as images: a folder of classes, and a pool."""
    here = tmp_path_factory.mktemp("trained")
    draws = np.random.default_rng(0)
    names = [f"photos/{name}/{number}.png" for name in CLASSES for number in range(EACH)]
    for name in [*names, *(f"pool/{number}.png" for number in range(POOLED))]:
        path = here / "data/raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        write_params(here, source="data/raw/photos", unlabelled="data/raw/pool")
        make_run(here, ("train", "val", "test"))
        prepare.main(load_params(PrepareParams))
        split.main(load_params(SplitParams))
        spec = read_spec("models/trained").model_copy(update={"preprocessing": read_dataset().preprocessing})
        write_spec("models/trained", spec)
    return here


def write_params(here, source, unlabelled):
    text = (ROOT / "params.yaml").read_text()
    for key, value in {"source: digits": f"source: {source}", "unlabelled: ''": f"unlabelled: '{unlabelled}'"}.items():
        assert f"  {key}\n" in text
        text = text.replace(f"  {key}\n", f"  {value}\n")
    (here / "params.yaml").write_text(text.replace("image_size: 32 ", f"image_size: {SIZE} "))


@pytest.fixture
def label(trained, tmp_path, monkeypatch, capsys):
    """Run the command in a copy of its own: standard output, or the message that it ends with."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["label.py", *options])
        try:
            run_stage(main, Params)
        except SystemExit as end:
            return end.code
        return capsys.readouterr().out

    return run


def answer(number: int, labels: list[str], tmp_path):
    """Write what Label Studio exports when the first tasks of a batch have these labels."""
    tasks = json.loads((tmp_path / f"labels/{number}/tasks.json").read_text())
    for task, said in zip(tasks, labels, strict=False):
        mark = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [said]}}
        task["annotations"] = [{"completed_by": 5, "updated_at": "2026-01-02", "result": [mark]}]
    (tmp_path / "export.json").write_text(json.dumps([{"annotations": []} | task for task in tasks]))


def test_a_batch_holds_what_people_need(label, tmp_path):
    told = label("--images", "5", "--strategy", "margin")
    assert "label: 5 images" in told
    folder = tmp_path / "labels/1"
    batch = read_table(folder / "batch.csv")
    assert batch["rank"].tolist() == [1, 2, 3, 4, 5]
    assert batch["score"].is_monotonic_decreasing
    assert set(batch["prediction"]) <= set(CLASSES)
    for row in batch.itertuples():
        assert (folder / "images" / row.file).read_bytes() == (tmp_path / "data/raw" / row.id).read_bytes()
    assert (folder / "sheet.png").stat().st_size > 5000
    tasks = json.loads((folder / "tasks.json").read_text())
    assert tasks[0]["data"]["image"] == f"/data/local-files/?d=labels/1/images/{batch['file'][0]}"
    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()  # as after a command that was killed: images, and no batch
    (folder / "images/of_another_choice.png").write_bytes(b"")
    label("--images", "5", "--strategy", "margin")
    assert {path.name for path in (folder / "images").iterdir()} == set(batch["file"])
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == first


@pytest.mark.parametrize("strategy", ["mix", "badge", "k_centre"])
def test_a_batch_larger_than_the_pool_is_the_pool(label, tmp_path, strategy):
    assert "label: 50 were asked for, the pool has no more that differ" in label(
        "--images", "50", "--strategy", strategy
    )
    assert len(read_table(tmp_path / "labels/1/batch.csv")) == POOLED
    assert label().startswith(f"label: no image is left to ask for: {POOLED} images of the pool are in earlier batches")
    assert f"label: {POOLED} images" in label("--again")


def test_labels_come_back_and_their_images_leave_the_pool(label, tmp_path):
    label("--images", "4")
    answer(1, ["ant", "bee", "wasp"], tmp_path)
    told = label("--read", "export.json")
    assert "data/raw/photos_labelled.csv: 3 images got a label, 0 another one, 0 had it already" in told
    assert "wasp (1 images" in told
    assert "1 images keep what they had, no label or an earlier one: 1 not annotated" in told
    assert "dvc exp run -S prepare.source=data/raw/photos_labelled.csv" in told
    answer(1, ["ant", "bee", "bee"], tmp_path)
    assert "0 images got a label, 1 another one, 2 had it already" in label("--read", "export.json")
    history = read_table("labels/history.csv", text=("before", "annotators"))
    assert history[["before", "label"]].to_numpy().tolist() == [["", "ant"], ["", "bee"], ["", "wasp"], ["wasp", "bee"]]
    assert set(history["annotators"]) == {"5"}

    before = dict(read_table("data/split/split.csv")[["id", "subset"]].to_numpy().tolist())
    write_params(tmp_path, source="data/raw/photos_labelled.csv", unlabelled="data/raw/pool")
    prepare.main(load_params(PrepareParams))
    split.main(load_params(SplitParams))
    index = read_index().set_index("id")
    asked = read_table("labels/1/batch.csv")["id"].tolist()
    assert [index.loc[name, "class"] for name in asked[:3]] == ["ant", "bee", "bee"]
    pooled = set(read_pool()[1]["id"])
    assert len(pooled) == POOLED - 3
    assert pooled & set(asked) == {asked[3]}
    after = dict(read_table("data/split/split.csv")[["id", "subset"]].to_numpy().tolist())
    assert after == {f"photos/{name}": subset for name, subset in before.items()} | dict.fromkeys(asked[:3], "train")


def test_what_cannot_be_is_told_in_a_line(label, tmp_path):
    assert label("--read", "export.json") == "labels: holds no batch: `make label` makes one"
    label("--images", "2")
    answer(1, ["ant", "Bee"], tmp_path)
    alike = "the classes 'bee' and 'Bee' differ only in case: mend that in the label tool, and export again"
    assert label("--read", "export.json") == f"export.json: {alike}"
    assert not (tmp_path / "data/raw/photos_labelled.csv").exists()
    assert label("--read", "labels/1/tasks.json").startswith("labels/1/tasks.json: nobody has labelled any of its 2")
    index = (tmp_path / "data/pool/index.csv").read_text().splitlines()[0]
    (tmp_path / "data/pool/index.csv").write_text(index + "\n")
    np.save(tmp_path / "data/pool/images.npy", np.empty((0, SIZE, SIZE, 3), dtype=np.uint8))
    assert label().startswith("label: data/pool holds no image: each has a label already, or there is none without")
    (tmp_path / "models/trained/model.json").unlink()
    assert label() == "models/trained/model.json: not found: `dvc repro` makes it, `dvc pull` fetches it"


def test_a_source_without_files_is_told(label, tmp_path):
    dataset = json.loads((tmp_path / "data/prepared/dataset.json").read_text())
    (tmp_path / "data/prepared/dataset.json").write_text(json.dumps(dataset | {"source": "digits"}))
    assert label().startswith("label: prepare.source: digits: its images are no files, which a table could name")
