"""A new model is taken while requests go on; a bad one is not."""

import asyncio
import threading
import time

import pytest

from running_service import PATIENCE, serving
from shares_model import CLASSES, write_shares_model
from sightline.common.errors import SightlineError
from sightline.serving.found import find_model


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


def test_a_new_version_is_taken_without_a_lost_request_and_a_damaged_one_is_not(tmp_path, red):
    write_shares_model(tmp_path / "9/model.onnx")
    with serving(model=str(tmp_path), watch_s=0.05) as service:
        replies = []
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                replies.append(service.classify(red))

        def version():
            return service.ask("GET", "/v2/health/live").headers["sightline-version"]

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for thread in asking:
            thread.start()
        old = service.application.versions.current
        write_shares_model(tmp_path / "10/model.onnx", classes=CLASSES[::-1])
        wait_for(lambda: version() == "10")
        (tmp_path / "11").mkdir()
        (tmp_path / "11/model.onnx").write_bytes((tmp_path / "10/model.onnx").read_bytes()[:-50])
        wait_for(lambda: b'loads_total{result="refused"} 1.0' in service.ask("GET", "/metrics").body)
        stop.set()
        for thread in asking:
            thread.join()
        assert version() == "10"
        assert [reply.status for reply in replies] == [200] * len(replies)
        told = {(reply.headers["sightline-version"], reply.json()["images"][0]["class"]) for reply in replies}
        assert told == {("9", "red"), ("10", "blue")}  # a version names its own classes
        assert old.batcher._worker.cancelled()


def test_a_file_that_is_replaced_is_taken_when_asked_for(tmp_path, red):
    path = write_shares_model(tmp_path / "model.onnx")
    with serving(model=str(path)) as service:
        before = service.classify(red)
        write_shares_model(tmp_path / "new.onnx", {"min_confidence": 0.9}).replace(path)
        time.sleep(0.1)
        assert service.classify(red).headers["sightline-sha256"] == before.headers["sightline-sha256"]
        service.application.versions.look_soon()
        wait_for(lambda: service.classify(red).json()["images"][0]["decided"] is False)
        assert service.classify(red).headers["sightline-sha256"] != before.headers["sightline-sha256"]


def test_the_highest_number_is_served_as_a_number(tmp_path):
    for name in ("2", "10", "x", "11"):
        (tmp_path / name).mkdir()
    for name in ("2", "10", "x"):
        write_shares_model(tmp_path / name / "model.onnx")
    assert find_model(str(tmp_path)).version == "10"  # 11 has no model yet


def test_where_there_is_no_model(tmp_path):
    with pytest.raises(SightlineError, match=r"no <number>/model\.onnx there"):
        find_model(str(tmp_path))
    with pytest.raises(SightlineError, match="not found: `dvc repro` makes it"):
        find_model(str(tmp_path / "model.onnx"))


def test_a_file_that_grows_is_not_taken_yet(tmp_path, monkeypatch):
    from sightline.serving import versions

    path = tmp_path / "model.onnx"
    path.write_bytes(b"half")
    found = find_model(str(path))
    assert asyncio.run(versions.is_at_rest(found))
    path.write_bytes(b"half and more")
    assert not asyncio.run(versions.is_at_rest(found))
