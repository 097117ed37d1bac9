"""The command: its page, its history, its exit status, what it posts, what is labelled next."""

import csv
import hashlib
import http.server
import json
import socketserver
import sys
import threading

import pytest

import monitor
from answered_images import LINE, describe, draw
from sightline.drifting import compare


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A folder with a model, a reference of 200 images, and a log of 60, of which the last 30 are brighter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "PERMUTATIONS", 499)
    (tmp_path / "model.onnx").write_bytes(b"model")
    (tmp_path / "data/predictions").mkdir(parents=True)
    (tmp_path / "data/predictions/reference.json").write_text(json.dumps(describe(draw(200, 0))))
    (tmp_path / "log/images").mkdir(parents=True)
    (tmp_path / "log/images/i0.png").write_bytes(b"image")
    lines = [tell(row, image) for row, image in enumerate(draw(30, 1) + draw(30, 2, bright=0.2))]
    (tmp_path / "log/1.jsonl").write_text("".join(lines))
    return tmp_path


def tell(row, image):
    sure = 0.5 if row == 0 else image.confidence
    told = {
        "time": f"2026-01-01T00:00:{row:02}.000Z",
        "request": f"r{row}",
        "image": f"i{row}",
        "class": image.predicted,
    }
    told |= {"model": hashlib.sha256(b"model").hexdigest()[:16], "pixels": image.pixels}
    return json.dumps(LINE | told | {"confidence": sure, "top": {"ant": sure, "bee": 1 - sure}}) + "\n"


def run(monkeypatch, *options):
    given = ["monitor.py", "--log", "log", "--model", "model.onnx", "--window", "30", *options]
    monkeypatch.setattr(sys, "argv", given)
    try:
        monitor.main(monitor.Params(seed=0))
    except SystemExit as end:
        return end.code
    return 0


def test_drift_is_told_once_everywhere(repo, monkeypatch, capsys):
    posted = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

    (repo / "feedback.csv").write_text("request,label\n" + "".join(f"r{row},ant\n" for row in range(1, 20)))
    with socketserver.TCPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        hook = f"http://127.0.0.1:{server.server_address[1]}"
        assert run(monkeypatch, "--webhook", hook, "--feedback", "feedback.csv") == 3
    assert [window["first"] for window in posted[0]["windows"]] == ["r30"]
    assert "accuracy on 19 labels" in capsys.readouterr().out
    page = (repo / "monitor/monitor.html").read_text()
    assert "Drift in the last window: brightness" in page
    assert page.count("data:image/png") == 3
    assert "http" not in page
    assert len(json.loads((repo / "monitor/history.json").read_text())["windows"]) == 2
    with (repo / "monitor/label_next/labels.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (first["path"], first["label"]) == ("images/i0.png", "")
    assert (repo / "monitor/label_next/images/i0.png").read_bytes() == b"image"
    assert run(monkeypatch) == 0  # no window is new
    assert len(json.loads((repo / "monitor/history.json").read_text())["windows"]) == 2


@pytest.mark.parametrize(
    ("options", "status"), [(["--window", "19"], 2), (["--alpha", "0"], 2), (["--webhook", "file:///x"], 2)]
)
def test_bad_options_are_refused(repo, monkeypatch, options, status):
    assert run(monkeypatch, *options) == status
