"""What the benchmarks of the service compute, and a small share of the faults that they make at random."""

import asyncio
import json
import random
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from serving_faults import Trial
from serving_malformed import KINDS
from serving_models import read_recipe
from serving_report import ratios, to_tables
from serving_watched import Truth, Watched, is_right
from shares_model import CONFORMAL, write_shares_model

ANSWER = {
    "class": "red",
    "probability": 0.8,
    "decided": True,
    "top": [{"class": "red", "probability": 0.8}, {"class": "blue", "probability": 0.2}],
    "set": ["red"],
    "set_coverage": 0.95,
}


def closed(server, clients, number, rate, server_us):
    row = {"loop": "closed", "server": server, "clients": clients, "round": number, "rate": rate}
    return row | {"server_us": server_us, "client_us": 5, "p50": 1, "p95": 2, "p99": 3, "refused": 1, "failed": 0}


def test_ratios_are_of_one_round():
    rows = [closed("bound", 0, 0, 100, 10), closed("bound", 0, 1, 50, 10)]
    rows += [closed("service", 64, 0, 80, 15), closed("service", 64, 1, 45, 20)]
    rows += [closed("plain", 64, 0, 8, 100), closed("plain", 64, 1, 9, 100)]
    assert ratios(rows, "service", 64, "bound", "rate") == [0.8, 0.9]
    assert ratios(rows, "service", 64, "plain", "rate") == [10, 5]
    opened = {"loop": "open", "share": 0.5, "round": 0, "rate": 40, "p50": 2, "p95": 3, "p99": 5, "server_us": 9}
    told = to_tables([*rows, opened | {"client_us": 4, "answers": {"200": 7, "503": 1}}])
    assert "| service | 64 | 62 (45 to 80) | 1.00, 2.00, 3.00 | 18, 5 | 0.85 (0.80 to 0.90) |" in told
    assert "| 0.5 | 40 (40 to 40) | 2.00, 3.00, 5.00 | 2.5 (2.5 to 2.5) | 9, 4 | 200: 7, 503: 1 |" in told


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        ({"top": [{"class": "red", "probability": 0.80001}, {"class": "blue", "probability": 0.2}]}, True),
        ({"top": [{"class": "red", "probability": 0.8001}, {"class": "blue", "probability": 0.2}]}, False),
        ({"top": [{"class": "blue", "probability": 0.8}, {"class": "red", "probability": 0.2}]}, False),
        ({"decided": False}, False),
        ({"set": []}, False),
    ],
)
def test_an_answer_is_right_up_to_rounding(change, right):
    assert is_right(ANSWER | change, ANSWER) == right


def test_a_recipe_is_read():
    assert read_recipe("photos") | {"epochs": 0, "head_init": "probe", "memory_mb": 64} == read_recipe("photos")


@pytest.mark.parametrize("steps", range(6))
def test_a_client_that_is_cancelled_ends_even_as_its_reply_comes(monkeypatch, steps):
    body = json.dumps({"images": [ANSWER]}).encode()
    trial = Trial(SimpleNamespace(port=1, changes=2), SimpleNamespace(of=lambda image: ANSWER), [b"image"], seed=0)

    async def ask_and_cancel():
        reader = asyncio.StreamReader()
        monkeypatch.setattr(asyncio, "open_connection", lambda *_: asyncio.sleep(0, (reader, Mock())))
        client = asyncio.create_task(trial.ask_on(random.Random(0)))
        await asyncio.sleep(0.01)
        reader.feed_data(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        for _ in range(steps):  # of the event loop
            await asyncio.sleep(0)
        client.cancel()
        await asyncio.wait([client], timeout=1)
        return client.cancelled()

    assert asyncio.run(ask_and_cancel())
    assert trial.wrong == []


@pytest.mark.parametrize(("faults", "shares"), [(60, {}), pytest.param(40, {"kill": 0.1}, marks=pytest.mark.slow)])
def test_no_answer_is_wrong_whatever_is_sent_or_killed(tmp_path, encode, faults, shares):
    images = [encode((9, 9), seed=seed) for seed in range(8)]
    model = write_shares_model(tmp_path / "model.onnx", {"min_confidence": 0.7, "conformal": CONFORMAL})
    trial = Trial(Watched(model, tmp_path), Truth(model), images, seed=0)
    asyncio.run(trial.run(faults, shares))
    assert trial.wrong == []
    assert trial.counted["good: 200"] > 0
    assert sum(count for name, count in trial.counted.items() if name.startswith("fault: ")) == faults
    if not shares:
        assert {name for name in trial.counted if name.startswith("fault: ")} == {f"fault: {kind}" for kind in KINDS}
