"""What W&B and Comet write without a network, read back from their own files."""

import json
import struct
from zipfile import ZipFile

import pytest

BLOCK = 32768  # bytes of W&B's log, which is that of LevelDB
HEADER = struct.Struct("<IHB")  # checksum, length, kind of a piece
LAST = (1, 4)  # kinds: a whole record, the last piece of one


def read_wandb(path):
    """Yield the records of a run: (kind, content)."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, record = path.read_bytes(), 7, b""
    while place + HEADER.size <= len(data):
        if BLOCK - place % BLOCK < HEADER.size:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = HEADER.unpack_from(data, place)
        place += HEADER.size + length
        record += data[place - length : place]
        if kind in LAST:
            parsed = Record.FromString(record)
            yield parsed.WhichOneof("record_type"), parsed
            record = b""


def name_of(item):
    return item.key or "/".join(item.nested_key)


@pytest.mark.slow
def test_wandb_has_a_run_for_the_whole_and_one_a_member(record, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="W&B is not installed: pip install -r requirements-trackers.txt")
    from sightline.tracking.to_wandb import write_wandb

    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    for _ in range(2):  # the second takes the place of the first
        write_wandb(record(members=2), tmp_path)
    wandb.teardown()  # as at the end of a process: its service writes all that it still holds
    runs = {}
    for path in (tmp_path / "wandb").glob("offline-run-*/*.wandb"):
        records = list(read_wandb(path))
        ((_, started),) = [pair for pair in records if pair[0] == "run"]
        runs[started.run.display_name] = (path.parent, started.run, records)
    assert sorted(runs) == ["slower", "slower/fold_0", "slower/fold_1"]
    for name in ("slower/fold_0", "slower/fold_1"):
        _, run, records = runs[name]
        steps = [
            {name_of(item): item.value_json for item in content.history.item}
            for kind, content in records
            if kind == "history"
        ]
        assert run.run_group == "slower"
        assert [step["val/accuracy"] for step in steps] == ["0.25", "0.75"]
        assert sum(json.loads(steps[1]["weights_best/head.weight/values"])) == 3
    folder, _, records = runs["slower"]
    config = {
        name_of(item): item.value_json
        for kind, content in records
        if kind == "config"
        for item in content.config.update
    }
    assert config["lr"] == "0.1"
    results = {
        name_of(item): item.value_json
        for kind, content in records
        if kind == "summary"
        for item in content.summary.update
    }
    assert results["evaluate/test.accuracy"] == "0.5"
    assert len(list((folder / "files/media/images/evaluate").glob("confusion_*.png"))) == 1
    ((_, artifact),) = [pair for pair in records if pair[0] == "artifact"]
    files = {entry.path: entry.local_path for entry in artifact.artifact.manifest.contents}
    assert sorted(files) == ["MODEL_CARD.md", "model.onnx"]
    assert files["model.onnx"].startswith(str(tmp_path))  # where it waits for `wandb sync`


@pytest.mark.slow
def test_comet_has_an_archive_for_the_whole_and_one_a_member(record, tmp_path):
    pytest.importorskip("comet_ml", reason="Comet is not installed: pip install -r requirements-trackers.txt")
    from sightline.tracking.to_comet import write_comet

    for _ in range(2):
        write_comet(record(members=2), tmp_path)
    archives = [ZipFile(path) for path in tmp_path.glob("*.zip")]
    assert len(archives) == 3
    scores = [
        {
            (payload["metric"]["metricName"], payload["metric"].get("step"), payload["metric"]["metricValue"])
            for line in archive.read("messages.json").splitlines()
            if "metric" in (payload := json.loads(line)["payload"])
        }
        for archive in archives
    ]
    assert sorted(("val/accuracy", 1, 0.75) in metrics for metrics in scores) == [False, True, True]
    assert sum(("evaluate/test.accuracy", None, 0.5) in metrics for metrics in scores) == 1
