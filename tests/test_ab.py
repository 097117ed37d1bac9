"""The command: two models in one log, labels that come in two parts, its page, its file, its exit status."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

import ab
from answered_images import LINE, describe, draw
from sightline.common.errors import SightlineError


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """Two models of which the candidate, the shadow, is right on 58 of 60 images that are bees, the other on 20."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/predictions").mkdir(parents=True)
    (tmp_path / "data/predictions/reference.json").write_text(json.dumps(describe(draw(200, 0))))
    (tmp_path / "log").mkdir()
    lines = []
    for row in range(60):
        lines += [tell(row, "current", "bee" if row % 3 == 0 else "ant")]
        lines += [tell(row, "candidate", "bee" if row > 1 else "ant", arm="shadow")]
    (tmp_path / "log/1.jsonl").write_text("".join(lines))
    return tmp_path


def tell(row, model, predicted, **more):
    Path(f"{model}.onnx").write_text(model)
    told = {"time": f"2026-01-01T00:00:{row:02}.000Z", "request": f"r{row}", "image": f"i{row}", "class": predicted}
    told["model"] = hashlib.sha256(model.encode()).hexdigest()[:16]
    return json.dumps(LINE | told | more) + "\n"


def run(monkeypatch, *options):
    given = ["ab.py", "--log", "log", "--current", "current.onnx", "--candidate", "candidate.onnx", *options]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit) as end:
        ab.main(ab.Params())
    return end.value.code


def label(repo, rows):
    (repo / "feedback.csv").write_text("request,label\n" + "".join(f"r{row},bee\n" for row in rows))
    return "--feedback", "feedback.csv"


def test_labels_add_up_until_they_decide(repo, monkeypatch, capsys):
    assert run(monkeypatch) == 0
    assert "no comparison yet" in capsys.readouterr().out
    assert run(monkeypatch, *label(repo, range(6))) == 0
    assert json.loads((repo / "ab/ab.json").read_text())["decision"] == "undecided"
    assert run(monkeypatch, *label(repo, range(6, 60))) == 3
    told = json.loads((repo / "ab/ab.json").read_text())
    assert (told["comparisons"], told["pairs"], told["decision"]) == (60, 60, "better")
    assert told["difference"] == pytest.approx(38 / 60, abs=1e-4)
    assert 0 < told["low"] < 38 / 60 < told["high"]
    assert (told["rates"]["current"]["accuracy"], told["rates"]["candidate"]["accuracy"]) == (0.3333, 0.9667)
    page = (repo / "ab/ab.html").read_text()
    assert "The candidate is more often right" in page
    assert page.count("data:image/png") == 1
    (repo / "log/1.jsonl").write_text("".join(tell(0, arm, "ant") for arm in ("current", "candidate")))
    assert run(monkeypatch) == 3  # what was counted stays, though its lines are gone


def test_the_other_way_round_it_is_worse(repo, monkeypatch):
    text = (repo / "log/1.jsonl").read_text().replace(', "arm": "shadow"', "")
    lines = [json.loads(line) for line in text.splitlines()]
    current = hashlib.sha256(b"current").hexdigest()[:16]
    turned = [line | ({"arm": "shadow"} if line["model"] == current else {}) for line in lines]
    (repo / "log/1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in turned))
    swapped = ("--current", "candidate.onnx", "--candidate", "current.onnx", *label(repo, range(60)))
    assert run(monkeypatch, *swapped) == 4


def test_other_models_need_another_folder(repo, monkeypatch):
    run(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["ab.py", "--log", "log", "--current", "candidate.onnx", "--candidate", "x.onnx"])
    Path("x.onnx").touch()
    with pytest.raises(SightlineError, match=r"ab/ab\.json: of models .* name another folder by --out, or delete it"):
        ab.main(ab.Params())
