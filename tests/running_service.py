"""A real server on the loopback, and requests to it: used by the tests of the service."""

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from serve import configure
from sightline.serving.application import Application
from sightline.serving.settings import Settings

PATIENCE = 20  # s


@dataclass(frozen=True)
class Reply:
    """What came back: status, headers by lower-case name, bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A server that is running, and the application in it."""

    application: Application
    server: uvicorn.Server
    port: int

    def ask(self, method, path, body=None, **headers):
        """Send one request; `content_type` as a keyword is the header Content-Type."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        reply = Reply(answer.status, told, answer.read())
        connection.close()
        return reply

    def classify(self, *files, query="", **headers):
        """Send one file as the body, several as a form."""
        body, kind = (files[0], "application/octet-stream") if len(files) == 1 else form_of(files)
        return self.ask("POST", f"/classify{query}", body, content_type=kind, **headers)


def form_of(files, boundary="b0undary"):
    """Return a multipart/form-data body with files under path-like names, and its content type."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="../../{row}.png"\r\n\r\n'.encode()
        + file
        + b"\r\n"
        for row, file in enumerate(files)
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@contextmanager
def serving(**settings):
    """Run a service with these settings, on any free port."""
    settings = Settings(**{"port": 0, "watch_s": 0, "threads": 1, "revision": "abc"} | settings)
    application = Application(settings)
    server = uvicorn.Server(configure(application, settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield Service(application, server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()
