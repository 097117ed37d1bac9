import json

import pytest

from answered_images import LINE, MODEL, describe, draw
from sightline.common.errors import SightlineError
from sightline.drifting import compare
from sightline.monitoring.history import read_history, write_history
from sightline.monitoring.lines import Seen, read_log
from sightline.monitoring.windows import cut, judge
from sightline.scoring.reference import Reference


@pytest.fixture
def reference(monkeypatch):
    monkeypatch.setattr(compare, "PERMUTATIONS", 499)
    return Reference(**describe(draw(200, 0)))


def test_lines_are_read_in_order_and_what_is_not_whole_is_counted(tmp_path):
    other = LINE | {"model": "0" * 16}
    texts = [json.dumps(line) for line in (LINE, other, LINE | {"pixels": None, "request": "r2"})]
    (tmp_path / "2.jsonl").write_text("\n".join([texts[2], "{broken", "[]", '{"time": 1', ""]))
    (tmp_path / "1.jsonl").write_text("\n".join([texts[0], texts[1], '{"half']))  # still being written
    log = read_log(tmp_path, MODEL)
    assert [(seen.request, seen.pixels) for seen in log.seen] == [("r1", {"brightness": 0.5}), ("r2", None)]
    assert (log.others, log.damaged) == (1, 3)
    assert log.seen[0].top == {"bee": 0.75, "ant": 0.25}


def test_a_log_without_lines_of_the_model_is_one_line(tmp_path):
    with pytest.raises(SightlineError, match=r"no \.jsonl there: start the service with SIGHTLINE_LOG="):
        read_log(tmp_path, MODEL)
    (tmp_path / "1.jsonl").write_text(json.dumps(LINE) + "\n")
    with pytest.raises(SightlineError, match=r"1 lines of other models, 0 damaged, none of ffffffffffffffff: name the"):
        read_log(tmp_path, "f" * 64)


def test_each_image_is_in_one_window():
    seen = draw(25, 0)
    whole = [window[0].request for window in cut(seen, 10, None)]
    assert whole == ["r0", "r10"]
    assert [window[0].request for window in cut(seen, 10, ("t0009", "r9"))] == ["r10"]
    assert [window[0].request for window in cut(seen[12:], 10, ("t0009", "r9"))] == ["r12"]  # its line has rotated away
    assert list(cut(seen, 10, ("t9999", "r"))) == []


@pytest.mark.parametrize(
    ("changes", "drift"),
    [
        ({}, []),
        ({"bright": 0.1}, ["brightness"]),
        ({"bright": 0.1, "looked": False}, []),
        ({"bee": 0.95}, ["class shares", "share of a class"]),
    ],
)
def test_what_drifted_is_named(reference, changes, drift):
    window = judge(draw(100, 1, **changes), reference, 0.01, 0)
    assert window.drift == drift
    assert (window.first, window.last, window.images) == ("r0", "r99", 100)
    assert window.shares["ant"] + window.shares["bee"] == pytest.approx(1)


def test_a_class_of_another_model_is_refused(reference):
    with pytest.raises(SightlineError, match=r"^'wasp': a class that data/predictions/reference"):
        judge([*draw(30, 0), Seen("", "", "", "wasp", 1.0, {}, None)], reference, 0.01, 0)


def test_history_is_read_as_it_was_written(reference, tmp_path):
    path = tmp_path / "history.json"
    assert read_history(path, MODEL, 30) == []
    windows = [judge(draw(30, 1), reference, 0.01, 0)]
    write_history(path, MODEL, 30, windows)
    assert read_history(path, MODEL, 30) == windows
    with pytest.raises(SightlineError, match="and windows of 30 images: name another folder by --out"):
        read_history(path, MODEL, 40)
    path.write_text("[]")
    with pytest.raises(SightlineError, match="not what `make monitor` writes: delete it"):
        read_history(path, MODEL, 30)
