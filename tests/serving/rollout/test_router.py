"""Which model answers: shares, keys, what stays outside, and what is said where the two do not fit."""

import json
import re
from collections import Counter

import pytest

from running_service import serving
from shares_model import CLASSES, write_shares_model
from sightline.common.errors import SightlineError
from sightline.serving.application import Application
from sightline.serving.rollout.arms import is_within, unit_of
from sightline.serving.settings import Settings

KEYS = "abcdefghijkl"  # all on one side by chance once in 2,000 times; which side is fixed by the candidate's bytes


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    """A model that decides only from 0.9 on, so that its answers can be told from the other's."""
    return str(write_shares_model(tmp_path_factory.mktemp("candidate") / "model.onnx", {"min_confidence": 0.9}))


def lines_of(folder):
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_a_canary_gets_its_share_and_every_answer_names_its_model(shares_model, candidate, red, tmp_path):
    options = {"candidate": candidate, "rollout": "canary", "rollout_share": 0.5, "log": str(tmp_path)}
    with serving(model=shares_model, **options) as service:
        replies = [service.classify(red) for _ in range(60)]
        page = service.ask("GET", "/metrics").body.decode()
        health = service.ask("GET", "/v2/health/live").headers
        pinned = service.ask("POST", "/v2/models/classifier/versions/1/infer", b"{}").headers
    arms = Counter(reply.headers["sightline-arm"] for reply in replies)
    assert 10 < arms["candidate"] < 50  # chance is below 1e-7 outside
    assert arms.total() == arms["candidate"] + arms["current"] == 60
    told = {
        (reply.headers["sightline-arm"], reply.headers["sightline-sha256"], reply.json()["images"][0]["decided"])
        for reply in replies
    }
    hashes = {arm: sha256 for arm, sha256, _ in told}
    assert {(arm, decided) for arm, _, decided in told} == {("current", True), ("candidate", False)}
    assert len(told) == 2
    assert "sightline-arm" not in health | pinned
    assert f'sightline_arm_answers_total{{arm="candidate",status="200"}} {arms["candidate"]}.0' in page
    assert f'sightline_candidate{{revision="abc",sha256="{hashes["candidate"]}",version="1"}} 1.0' in page
    assert "sightline_rollout_share 0.5" in page
    lines = lines_of(tmp_path)
    assert Counter(line["arm"] for line in lines) == arms
    assert {(line["arm"], line["model"]) for line in lines} == {(arm, sha256[:16]) for arm, sha256 in hashes.items()}
    assert "unit" not in lines[0]


def test_ab_keeps_a_key_on_its_side(shares_model, candidate, red, tmp_path):
    options = {"candidate": candidate, "rollout": "ab", "rollout_share": 0.5, "rollout_key": "X-Client"}
    with serving(model=shares_model, log=str(tmp_path), **options) as service:
        arms = {key: [service.classify(red, x_client=key).headers["sightline-arm"] for _ in range(2)] for key in KEYS}
        without = service.classify(red).headers
    assert all(first == second for first, second in arms.values())
    assert {first for first, _ in arms.values()} == {"current", "candidate"}
    assert without["sightline-arm"] == "unkeyed"
    units = [line.get("unit") for line in lines_of(tmp_path)]
    assert len(set(units[:-1])) == len(KEYS)
    assert units[-1] is None


def test_the_api_key_is_the_key_where_none_is_named(shares_model, candidate, red):
    options = {"candidate": candidate, "rollout": "ab", "api_key": "s"}
    with serving(model=shares_model, **options) as service:
        arms = {service.classify(red, **header).headers["sightline-arm"] for header in ({"x_api_key": "s"},) * 2}
        arms |= {service.classify(red, authorization="Bearer s").headers["sightline-arm"]}
    assert len(arms) == 1
    assert "unkeyed" not in arms


def test_units_are_even_and_a_larger_share_keeps_those_of_a_smaller():
    units = [unit_of(b"%d" % number, "salt") for number in range(2000)]
    small, large = ({unit for unit in units if is_within(unit, share)} for share in (0.1, 0.3))
    assert small < large
    assert len(small) == pytest.approx(200, abs=54)  # four deviations
    assert len(large) == pytest.approx(600, abs=82)
    assert unit_of(b"1", "salt") != unit_of(b"1", "other")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"candidate": "x"}, "SIGHTLINE_CANDIDATE: needs SIGHTLINE_ROLLOUT as well: shadow, canary or ab"),
        ({"rollout": "ab"}, "SIGHTLINE_ROLLOUT: ab needs a second model: set SIGHTLINE_CANDIDATE"),
        ({"rollout": "ab", "candidate": "none.onnx"}, "none.onnx: not found: `dvc repro` makes it"),
        ({"rollout": "shadow", "candidate": "none.onnx"}, "none.onnx: not found: `dvc repro` makes it"),
    ],
)
def test_half_a_rollout_is_refused(shares_model, settings, line):
    with pytest.raises(SightlineError, match=f"^{re.escape(line)}"):
        Application(Settings(model=shares_model, revision="abc", **settings))


def test_other_classes_are_refused_where_clients_would_see_them(shares_model, tmp_path):
    other = str(write_shares_model(tmp_path / "model.onnx", classes=CLASSES[::-1]))
    with pytest.raises(SightlineError, match="has other classes, or in another order, than"):
        Application(Settings(model=shares_model, revision="abc", candidate=other, rollout="canary"))


def test_a_candidate_that_comes_to_other_classes_answers_no_more(shares_model, red, tmp_path):
    path = write_shares_model(tmp_path / "1/model.onnx")
    options = {"candidate": str(tmp_path), "rollout": "canary", "rollout_share": 1, "watch_s": 0.05}
    with serving(model=shares_model, **options) as service:
        assert service.classify(red).headers["sightline-arm"] == "candidate"
        write_shares_model(path.parent.parent / "2/model.onnx", classes=CLASSES[::-1])
        replies = [service.classify(red)]
        while "sightline-arm" in replies[-1].headers and len(replies) < 5000:
            replies.append(service.classify(red))
    assert replies[-1].json()["images"][0]["class"] == "red"
    assert {reply.json()["images"][0]["class"] for reply in replies} == {"red"}
