import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from imports import ROOT

CODE = """
import time
from sightline.networks.architectures import hub
hub.PATIENCE = 0.5
start = time.monotonic()
print(hub.hub_answers("timm/some"), time.monotonic() - start)
"""


class Missing(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def refusing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"  # closed again before it is asked


@pytest.fixture
def silent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def without_the_file():
    with HTTPServer(("127.0.0.1", 0), Missing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("hub", "answers"), [("refusing", False), ("silent", False), ("without_the_file", True)])
def test_the_hub_is_asked_once(hub, answers, request):
    """huggingface_hub reads its address when it is imported, so each case has a process of its own."""
    env = {**os.environ, "HF_ENDPOINT": request.getfixturevalue(hub), "PYTHONPATH": str(ROOT / "stages")}
    env |= {"HF_HUB_OFFLINE": "", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
    found, seconds = done.stdout.split()
    assert found == str(answers)
    assert float(seconds) < 5  # its client alone waits 1, 2, 4, 8 and 8 seconds between tries
    assert "Retrying" not in done.stderr
