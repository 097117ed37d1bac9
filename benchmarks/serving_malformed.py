"""Requests that are no good ones, at random: what benchmarks/serving_faults.py sends between those of others."""

import random
from collections.abc import Callable
from typing import NamedTuple

HEAD = "POST /classify{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
LARGEST_HEADER = 1 << 17  # bytes, twice what the service reads
OTHERS = (
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"DELETE /classify HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /v2/models/none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST /classify HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
)
QUERIES = ("?top=-1", "?top=0", "?top=a", "?top=1e9", "?explain=perhaps")


class Malformed(NamedTuple):
    """A request as bytes; `image` is the file that a service sees in it, None where it must refuse it unseen.

    `whole` tells that an answer comes, after which the service closes the connection: the others end early.
    """

    content: bytes
    image: bytes | None = None
    whole: bool = True


def noise(draw: random.Random, image: bytes) -> Malformed:
    """Return no HTTP."""
    return Malformed(draw.randbytes(draw.randrange(1, 2000)), whole=False)


def damaged_image(draw: random.Random, image: bytes) -> Malformed:
    """Return an image in which some bytes are others."""
    damaged = bytearray(image)
    for _ in range(draw.randrange(1, 9)):
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    return Malformed(_post(bytes(damaged)), bytes(damaged))


def cut_image(draw: random.Random, image: bytes) -> Malformed:
    """Return the beginning of an image as a body of that length."""
    cut = image[: draw.randrange(1, len(image))]
    return Malformed(_post(cut), cut)


def cut_request(draw: random.Random, image: bytes) -> Malformed:
    """Return the beginning of a good request, after which the client goes away."""
    whole = _post(image)
    return Malformed(whole[: draw.randrange(1, len(whole))], whole=False)


def wrong_length(draw: random.Random, image: bytes) -> Malformed:
    """Return a body longer than its header says."""
    length = draw.randrange(1, len(image))
    return Malformed(HEAD.format(query="", length=length, more="").encode() + image, image[:length])


def text(draw: random.Random, image: bytes) -> Malformed:
    """Return bytes that are no image."""
    body = draw.randbytes(draw.randrange(0, 5000))
    return Malformed(_post(body), body or None)


def bad_form(draw: random.Random, image: bytes) -> Malformed:
    """Return multipart/form-data without its end, or without files."""
    part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="../../a"\r\n\r\n' + image
    body = draw.choice([part, b"--b--\r\n", draw.randbytes(300), part.replace(b"filename", b"name") + b"\r\n--b--\r\n"])
    return Malformed(_post(body, more="Content-Type: multipart/form-data; boundary=b\r\n"))


def bad_chunks(draw: random.Random, image: bytes) -> Malformed:
    """Return a chunked body whose lengths are wrong."""
    head = b"POST /classify HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Malformed(head + b"%x\r\n" % draw.randrange(1, len(image)) + image + b"\r\n0\r\n\r\n", whole=False)


def large_header(draw: random.Random, image: bytes) -> Malformed:
    """Return a header without end."""
    return Malformed(b"GET / HTTP/1.1\r\nX-A: " + b"a" * LARGEST_HEADER, whole=False)


def bad_query(draw: random.Random, image: bytes) -> Malformed:
    """Return a good image with a question that makes no sense."""
    return Malformed(_post(image, query=draw.choice(QUERIES)))


def bad_inference(draw: random.Random, image: bytes) -> Malformed:
    """Return JSON that is no inference request, or none at all."""
    body = draw.choice(
        [b"{}", b"[" * 5000, b'{"inputs": [{"name": "pixels", "shape": [-1], "datatype": "UINT8"}]}', image]
    )
    return Malformed(_post(body).replace(b"/classify", b"/v2/models/classifier/infer", 1))


def another_route(draw: random.Random, image: bytes) -> Malformed:
    """Return a request for what is not there."""
    return Malformed(draw.choice(OTHERS))


KINDS: dict[str, Callable[[random.Random, bytes], Malformed]] = {
    kind.__name__: kind
    for kind in (
        noise,
        damaged_image,
        cut_image,
        cut_request,
        wrong_length,
        text,
        bad_form,
        bad_chunks,
        large_header,
        bad_query,
        bad_inference,
        another_route,
    )
}


def _post(body: bytes, query: str = "", more: str = "") -> bytes:
    return HEAD.format(query=query, length=len(body), more=more).encode() + body
