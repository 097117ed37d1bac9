"""The shadow: what it writes, and that nothing it does reaches those who are answered."""

import json
import os
import signal
import time

import numpy as np
import pytest

from running_service import PATIENCE, serving
from shares_model import CLASSES, write_shares_model
from sightline.serving.metrics import Metrics
from sightline.serving.model import open_model
from sightline.serving.rollout import shadow as shadow_module
from sightline.serving.rollout.shadow import HELD, WAITING, Shadow
from sightline.serving.settings import Settings


@pytest.fixture
def candidate(tmp_path):
    """A model with other names for the same shares, in a folder of versions."""
    write_shares_model(tmp_path / "served/7/model.onnx", classes=[CLASSES[0], "x", "y"])
    return str(tmp_path / "served")


def count(metrics, result):
    return metrics.registry.get_sample_value("sightline_shadow_total", {"result": result}) or 0


def lines_of(folder):
    return [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]


def wait_until(there):
    until = time.monotonic() + PATIENCE
    while not there() and time.monotonic() < until:
        time.sleep(0.02)
    assert there()


def wait_for(metrics, **counts):
    wait_until(lambda: {name: count(metrics, name) for name in counts} == counts)


def test_both_answer_one_is_returned_and_a_dead_shadow_comes_back(shares_model, candidate, red, tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_module, "PAUSES", (0.05, 0.05))
    folder = tmp_path / "log"
    options = {"candidate": candidate, "rollout": "shadow", "rollout_share": 1, "log": str(folder)}
    monkeypatch.setattr(shadow_module, "LOOK", 0.05)
    with serving(model=shares_model, **options) as service:
        metrics = service.application.metrics
        first = service.classify(red, x_request_id="first")
        wait_for(metrics, same=1)
        wait_until(lambda: len(lines_of(folder)) == 2)
        process = service.application.rollout._process
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
        process.send_signal(signal.SIGKILL)
        process.wait()
        second = service.classify(red, x_request_id="second")  # meets a dead shadow
        wait_for(metrics, same=1, failed=1)
        pixels = {"name": "pixels", "datatype": "UINT8", "shape": [1, 4, 4, 3], "data": [0, 0, 9] * 16}
        service.ask("POST", "/v2/models/classifier/infer", json.dumps({"inputs": [pixels]}), x_request_id="third")
        wait_for(metrics, same=1, failed=1, differs=1)  # blue, which it calls y
        page = service.ask("GET", "/metrics").body.decode()
        write_shares_model(f"{candidate}/8/model.onnx")
        service.application.look_soon()
        wait_until(lambda: b'version="8"' in service.classify(red).body + service.ask("GET", "/metrics").body)
    assert [first.status, second.status] == [200, 200]
    assert first.json()["images"][0]["class"] == "red"
    assert "sightline-arm" not in first.headers
    sha256 = open_model(f"{candidate}/7/model.onnx", 1).sha256
    assert f'sightline_candidate{{revision="abc",sha256="{sha256}",version="7"}} 1.0' in page
    told = sorted(
        (line["request"], line.get("arm", ""), line["class"], line["model"] == sha256[:16])
        for line in lines_of(folder)
        if line["request"] in ("first", "second", "third")
    )
    assert told == [
        ("first", "", "red", False),
        ("first", "shadow", "red", True),
        ("second", "", "red", False),
        ("third", "", "blue", False),
        ("third", "shadow", "y", True),
    ]


@pytest.fixture
def idle(shares_model):
    """A shadow whose process was never started."""
    metrics = Metrics()
    made = Shadow(Settings(model=shares_model, candidate=shares_model, rollout_share=1), metrics, "abc", CLASSES)
    model = open_model(shares_model, 1)
    made.give = lambda file: made.mirror(model, np.zeros((4, 4, 3), np.uint8), file, np.float32([1, 0, 0]))
    made.dropped = lambda: count(metrics, "dropped")
    return made


def test_what_the_shadow_has_no_time_for_is_left_out(idle):
    for _ in range(WAITING + 3):
        idle.give(b"image")
    assert idle.dropped() == 3


def test_large_images_are_bounded_by_their_bytes(idle):
    for _ in range(3):
        idle.give(bytes(HELD // 2))
    assert idle.dropped() == 1


def test_only_a_share_goes_to_the_shadow(idle):
    object.__setattr__(idle, "_settings", idle._settings.model_copy(update={"rollout_share": 0.5}))
    for _ in range(200):
        idle.give(b"image")
    assert 60 < len(idle._jobs) < 140  # five deviations
