"""The service as a process of its own: what it needs, how it ends, what it says of bad settings."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from imports import ROOT

SCRIPT = str(ROOT / "stages/serve.py")
ALONE = """
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, {stages!r})
sys.argv = ["serve.py"]
runpy.run_path({script!r}, run_name="__main__")
"""
HEAVY = ("torch", "torchvision", "timm", "dvc", "pandas", "scipy", "sklearn", "onnx", "matplotlib", "ruamel", "tqdm")


def environment(**settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    return kept | {f"SIGHTLINE_{name.upper()}": str(value) for name, value in settings.items()}


def test_it_runs_without_the_pipelines_packages_and_ends_when_all_is_answered(shares_model, red):
    code = ALONE.format(heavy=HEAVY, stages=str(ROOT / "stages"), script=SCRIPT)
    settings = environment(model=shares_model, port=0, threads=1, revision="r1")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=settings)
    port = next(int(found[1]) for line in process.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))
    head = f"POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: {len(red)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as accepted:
        accepted.sendall(head + red[:50])
        assert b"200 OK" in ask_health(port)  # so that the one above is accepted
        process.send_signal(signal.SIGTERM)
        process.stderr.readline()  # it says that it ends
        accepted.sendall(red[50:])
        answer = b"".join(iter(lambda: accepted.recv(65536), b""))
    assert b"sightline-revision: r1" in answer
    assert json.loads(answer.split(b"\r\n\r\n")[1])["images"][0]["class"] == "red"
    rest = process.stderr.read()
    process.stderr.close()
    assert (process.wait(20), "Traceback" in rest) == (0, False)


def ask_health(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
        return connection.recv(65536)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"model": "none.onnx"}, "none.onnx: not found: `dvc repro` makes it"),
        ({"colour": "red"}, "SIGHTLINE_COLOUR: no such setting: python stages/serve.py --help lists them"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(settings, line):
    done = subprocess.run(
        [sys.executable, SCRIPT], env=environment(**settings), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1
