"""What the service refuses: one JSON object each, nothing of this machine in it."""

import io
import json
import socket
import struct
import time
import zlib
from contextlib import contextmanager

import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from running_service import form_of, serving

ONE_MIB = 1 << 20


def png_of(width, height, *chunks):
    """Return a PNG whose header promises a size, with further chunks and no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def told(reply):
    """Return status and code of a refusal, which tells nothing of this machine."""
    content = reply.json()
    assert set(content) == {"error", "code"}
    assert "\n" not in content["error"]
    assert "/" not in content["error"].replace("multipart/form-data", "")
    return reply.status, content["code"]


BAD = {
    "nothing": (b"", (400, "bad_request")),
    "text": (b"hello", (415, "format_not_allowed")),
    "svg": (b"<svg></svg>", (415, "format_not_allowed")),
    "postscript": (b"%!PS-Adobe-3.0 EPSF", (415, "format_not_allowed")),
    "beginning alone": (b"\x89PNG\r\n\x1a\n", (422, "bad_image")),
    "bomb by its header": (png_of(40_000, 40_000), (422, "bad_image")),
    "no pixels": (png_of(4, 4), (422, "bad_image")),
    "bomb in a chunk": (
        png_of(4, 4, (b"zTXt", b"a\0\0" + zlib.compress(bytes(80 * ONE_MIB), 9))),
        (422, "bad_image"),
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_image(service, kind):
    body, expected = BAD[kind]
    assert told(service.classify(body)) == expected


def test_the_limit_of_pixels_names_no_parameter_of_another_program(service):
    assert service.classify(png_of(40_000, 40_000)).json()["error"] == "too large: 40000 x 40000 pixels"


def only_the_first(seek):
    """Return Pillow's way to a frame, that fails for all but the first."""

    def checked(image, frame, *given):
        assert frame == 0
        return seek(image, frame, *given)

    return checked


def test_only_the_first_frame_is_read(service, monkeypatch):
    frames = [Image.new("P", (8, 8), number % 2) for number in range(2)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:] * 20, optimize=False)
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile._seek", only_the_first(GifImageFile._seek))
    assert service.classify(stream.getvalue()).status == 200


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"--b\r\n", "multipart/form-data; boundary=b", "bad_request"),
        (b"x", "multipart/form-data", "bad_request"),
        (b"x", "multipart/form-data; boundary=", "bad_request"),
        (form_of([])[0], form_of([])[1], "bad_request"),
        (form_of([b"a"])[0][:-6], form_of([])[1], "bad_request"),
        (form_of([b"a"])[0].replace(b'filename="', b'title="'), form_of([])[1], "bad_request"),
        (form_of([b"a"] * 5)[0], form_of([])[1], "too_many_images"),
    ],
)
def test_a_bad_form(service, body, kind, code):
    reply = service.ask("POST", "/classify", body, content_type=kind)
    assert told(reply) == (413 if code == "too_many_images" else 400, code)


def test_a_body_that_is_too_large(service):
    assert told(service.classify(bytes(ONE_MIB + 1))) == (413, "body_too_large")  # by its announced length
    chunks = (bytes(ONE_MIB // 4) for _ in range(100))
    assert told(service.ask("POST", "/classify", chunks)) == (413, "body_too_large")  # counted


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/classify?top=0", (400, "bad_request")),
        ("/classify?top=x", (400, "bad_request")),
        ("/classify?top=%D9%A3", (400, "bad_request")),
        ("/classify?explain=maybe", (400, "bad_request")),
        ("/../../etc/passwd", (404, "not_found")),
        ("/v2/models/other/infer", (404, "unknown_model")),
    ],
)
def test_a_bad_address(service, red, path, expected):
    assert told(service.ask("POST", path, red)) == expected


def test_a_compressed_body(service, red):
    assert told(service.classify(red, Content_Encoding="gzip")) == (415, "body_compressed")


def exchange(port, *parts, pause=0.0):
    """Send parts with a pause before each, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            time.sleep(pause)
            connection.sendall(part)
        return b"".join(iter(lambda: connection.recv(ONE_MIB), b""))


def test_a_slow_body_gets_its_time_and_no_more(service):
    head = b"POST /classify HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\n"
    answer = exchange(service.port, head, b"x")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.split(b"\r\n\r\n")[1])["code"] == "body_too_slow"


def test_what_is_not_http(service):
    answer = exchange(service.port, b"POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    told = json.loads(answer.split(b"\r\n\r\n")[1])
    assert told == {"error": "invalid http request received", "code": "bad_request"}


def test_a_header_without_end(service):
    answer = exchange(service.port, b"GET / HTTP/1.1\r\nX: ", b"x" * ((1 << 16) + 1), pause=0.1)
    assert b'"the header is too large"' in answer


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 1e3",
        "Transfer-Encoding: chunked\r\n\r\nXX",
    ],
)
def test_lengths_that_contradict_each_other(service, lines):
    answer = exchange(service.port, f"POST /classify HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\nabc".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("before", [b"", b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n"])
@pytest.mark.parametrize("begun", [b"", b"POST /classify HTTP/1.1\r\nHo"])
def test_a_header_that_never_ends_gets_its_time_and_no_more(service, monkeypatch, before, begun):
    monkeypatch.setattr("sightline.serving.http.connection.SECONDS", 0.1)
    monkeypatch.setattr(service.server.config, "timeout_keep_alive", 0.1)
    answer = exchange(service.port, before + begun)
    assert answer == b"" if not before else answer.startswith(b"HTTP/1.1 200 ")


@contextmanager
def unfinished(port, received, length):
    """Hold a request of which some bytes have not arrived."""
    head = f"POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head + bytes(received))
        time.sleep(0.1)
        yield


@pytest.mark.parametrize(
    ("settings", "received", "body"), [({"queue": 1}, 1, b"x"), ({"bodies_mb": 1}, 800_000, bytes(500_000))]
)
def test_a_full_service_says_so_at_once(shares_model, red, settings, received, body):
    with serving(model=shares_model, **settings) as small:
        with unfinished(small.port, received, received + 1):
            busy = small.classify(body)
            assert told(busy) == (503, "busy")
            assert busy.headers["retry-after"] == "1"
        time.sleep(0.1)
        assert small.classify(red).status == 200  # the place is free again


def test_what_would_never_fit_is_not_told_to_come_again(shares_model, red):
    with serving(model=shares_model, queue=10) as small:
        assert small.classify(red, query="?explain=1").status == 200  # 1 and 9 squares
        assert told(small.classify(red, red, query="?explain=1")) == (413, "too_much")


def test_an_answer_that_takes_too_long_and_one_that_fails(shares_model, red, monkeypatch):
    with serving(model=shares_model, timeout_s=0.2) as slow:
        session = slow.application.versions.current.model.session

        class Stub:
            def run(self, *given):
                time.sleep(0.5)
                raise RuntimeError("/home/secret: out of memory")

        object.__setattr__(slow.application.versions.current.model, "session", Stub())
        assert told(slow.classify(red)) == (504, "too_slow")
        object.__setattr__(slow.application.versions.current.model, "session", None)
        time.sleep(0.5)
        assert told(slow.classify(red)) == (500, "internal")
        object.__setattr__(slow.application.versions.current.model, "session", session)
        assert slow.classify(red).status == 200
