"""The log of predictions: what a line holds, how much there may be, and what happens when it cannot be written."""

import errno
import hashlib
import json
import logging
import os
import re
import time

import numpy as np
import pytest

from running_service import serving
from sightline.common.errors import SightlineError
from sightline.serving.messages import REQUEST, JsonFormatter
from sightline.serving.metrics import Metrics
from sightline.serving.model import open_model
from sightline.serving.record import files as files_module
from sightline.serving.record import writer as writer_module
from sightline.serving.record.budget import Budget
from sightline.serving.record.files import PARTS, ImageFiles, LineFiles
from sightline.serving.record.lines import Answered
from sightline.serving.record.writer import LOOKS, Record
from sightline.serving.settings import Settings

FULL = OSError(errno.ENOSPC, "No space left on device")


def lines_of(folder):
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_every_answer_is_written_before_the_service_ends(shares_model, red, grey, tmp_path):
    with serving(model=shares_model, log=str(tmp_path), log_top=2, log_images_mb=1) as service:
        service.classify(red, x_request_id="first")
        service.classify(grey, b"no image", x_request_id="second")
        service.classify(red, query="?explain=1", x_request_id="third")
        pixels = {"name": "pixels", "datatype": "UINT8", "shape": [1, 4, 4, 3], "data": [0, 0, 9] * 16}
        service.ask("POST", "/v2/models/classifier/infer", json.dumps({"inputs": [pixels]}), x_request_id="fourth")
    lines = lines_of(tmp_path)
    assert [line["request"] for line in lines] == ["first", "second", "third", "fourth"]
    first = lines[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    looks = first.pop("pixels")
    assert first == {
        "request": "first",
        "model": open_model(shares_model, 1).sha256[:16],
        "image": hashlib.sha256(red).hexdigest(),
        "class": "red",
        "confidence": 0.8,
        "decided": True,
        "top": {"red": 0.8, "blue": 0.2},
    }
    assert (looks["red"], looks["green"], looks["contrast"]) == (pytest.approx(200 / 255, abs=1e-6), 0, 0)
    assert (lines[1]["class"], lines[1]["decided"]) == ("red", False)
    assert lines[3]["image"] == hashlib.sha256(bytes([0, 0, 9] * 16)).hexdigest()
    kept = {path.name: path.read_bytes() for path in (tmp_path / "images").iterdir()}
    assert kept == {f"{hashlib.sha256(image).hexdigest()}.png": image for image in (red, grey)}


def test_without_the_setting_nothing_is_written(shares_model, red, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(model=shares_model) as service:
        service.classify(red)
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_lines_go(tmp_path):
    files = LineFiles(tmp_path, PARTS * 100)
    for number in range(50):
        files.write(b"%039d\n" % number)  # two of 40 bytes fit into a part
    files.close()
    left = [int(line) for path in sorted(tmp_path.iterdir()) for line in path.read_text().splitlines()]
    assert left == list(range(50 - len(left), 50))
    assert 700 <= sum(path.stat().st_size for path in tmp_path.iterdir()) <= 800


def test_the_oldest_images_go_and_none_is_larger_than_its_part(tmp_path):
    images = ImageFiles(tmp_path, PARTS * 100)
    for number in range(30):
        images.write(f"{number:02}", b"\x89P" + bytes(48))
        os.utime(tmp_path / f"{number:02}.png", ns=(number, number))
    images.write("large", bytes(101))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [f"{number:02}.png" for number in range(30 - len(left), 30)]
    assert 12 <= len(left) <= 16


def test_a_full_disk_leaves_whole_lines(tmp_path, monkeypatch):
    files = LineFiles(tmp_path, 1 << 20)
    files.write(b"one\n")
    write = os.write
    room = iter([2])

    def write_a_little(file, content):
        size = next(room, None)
        if size is None:
            raise FULL
        return write(file, content[:size])

    monkeypatch.setattr(files_module.os, "write", write_a_little)
    with pytest.raises(OSError, match="No space"):
        files.write(b"two\n")
    monkeypatch.undo()
    files.write(b"three\n")
    files.close()
    assert next(tmp_path.iterdir()).read_bytes() == b"one\nthree\n"


@pytest.fixture
def record(tmp_path):
    metrics = Metrics()
    made = Record(Settings(log=str(tmp_path)), metrics)
    made.dropped = lambda: metrics.registry.get_sample_value("sightline_log_dropped_total")
    return made


@pytest.fixture
def image(shares_model):
    return Answered(0.0, "r", open_model(shares_model, 1), np.zeros((4, 4, 3), np.uint8), np.ones(3, np.float32), None)


def test_pixels_are_left_out_where_they_would_cost_too_much(record, image, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_budget", Budget(share=0, most=1e-9))
    for _ in range(LOOKS + 1):
        record.add(image)
    record.start()
    record.close()
    assert [line["pixels"] is None for line in lines_of(tmp_path)] == [False] * LOOKS + [True]


def test_a_full_queue_drops_and_says_so(record, image, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(writer_module, "LINES", 3)
    for _ in range(5):  # the thread has not begun, so nobody takes them
        record.add(image)
    assert record.dropped() == 2
    record.start()
    record.close()
    assert len(lines_of(tmp_path)) == 3
    assert [entry.getMessage() for entry in caplog.records] == [
        "prediction log: 2 lines or their images dropped: they come faster than they can be written"
    ]


def test_large_images_are_bounded_by_their_bytes(record, image, monkeypatch):
    monkeypatch.setattr(writer_module, "HELD", 1000)
    for _ in range(5):
        record.add(image._replace(file=bytes(600)))
    assert record.dropped() == 3


def test_a_disk_that_fails_ends_neither_the_thread_nor_the_later_lines(record, image, tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "PAUSE", 0.01)
    broken = iter([FULL, RuntimeError("what nobody thought of")])
    write = record._files.write

    def fail_twice(lines):
        if error := next(broken, None):
            raise error
        write(lines)

    monkeypatch.setattr(record._files, "write", fail_twice)
    record.start()
    for row in range(3):
        record.add(image._replace(request=str(row)))
        wait_until(lambda: not record._waiting and record._written == record._taken_in)
    record.close()
    assert [line["request"] for line in lines_of(tmp_path)] == ["2"]
    assert record.dropped() == 2


def wait_until(there):
    until = time.monotonic() + 10
    while not there() and time.monotonic() < until:
        time.sleep(0.005)
    assert there()


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SightlineError, match=r"^SIGHTLINE_LOG: .*file/log: Not a directory: name a folder"):
        Record(Settings(log=str(tmp_path / "file/log")), Metrics())


def test_messages_as_json_name_the_request():
    entry = logging.makeLogRecord({"levelno": 30, "levelname": "WARNING", "msg": "a %s", "args": ("b",), "ms": 1.5})
    token = REQUEST.set("r7")
    told = json.loads(JsonFormatter().format(entry))
    REQUEST.reset(token)
    assert told.pop("time").endswith("+00:00")
    assert told == {"level": "warning", "message": "a b", "request": "r7", "ms": 1.5}
