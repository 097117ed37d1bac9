"""A request's body, read with its limits counted while it streams."""

import asyncio

from starlette.types import Receive, Scope

from sightline.serving.errors import ServiceError, bad_request
from sightline.serving.gate import Visit
from sightline.serving.http.headers import header_of

MEBIBYTE = 1 << 20


async def read_body(scope: Scope, receive: Receive, most: int, seconds: float, room: Visit) -> bytes:
    """Return the body of at most `most` bytes, which `room` holds.

    Raises
    ------
    ServiceError
        408: it took longer than `seconds`; 413: it is too large; 415: it is compressed; 503: no room for it.
    """
    if header_of(scope, b"content-encoding") not in (b"", b"identity"):
        raise ServiceError(415, "body_compressed", "send the body without Content-Encoding")
    announced = header_of(scope, b"content-length")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    if scope.get("body_is_there"):  # as a connection says: there is nothing to wait for
        return await _read(receive, most, room)
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive, most, room)
    except TimeoutError:
        raise ServiceError(408, "body_too_slow", f"the body did not arrive within {seconds:g} s") from None


async def _read(receive: Receive, most: int, room: Visit) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise bad_request("the body ended before its length")
        chunk = message.get("body", b"")
        if len(body) + len(chunk) > most:
            raise _too_large(most)
        room.take(len(chunk))
        body += chunk
        more = message.get("more_body", False)
    return bytes(body)


def _too_large(most: int) -> ServiceError:
    return ServiceError(413, "body_too_large", f"the body is larger than {most / MEBIBYTE:g} MiB")
