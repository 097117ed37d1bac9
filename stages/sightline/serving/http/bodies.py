"""A request's body, read with its limits counted while it streams."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext

from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from sightline.serving.errors import ServiceError, bad_request
from sightline.serving.gate import Visit
from sightline.serving.http.headers import header_of

MEBIBYTE = 1 << 20


async def read_body(request: Request, most: int, seconds: float, room: Visit) -> bytes:
    """Return the body of at most `most` bytes, which `room` holds.

    Raises
    ------
    ServiceError
        408: it took longer than `seconds`; 413: it is too large; 415: it is compressed; 503: no room for it.
    """
    if header_of(request.scope, b"content-encoding") not in (b"", b"identity"):
        raise ServiceError(415, "body_compressed", "send the body without Content-Encoding")
    announced = header_of(request.scope, b"content-length")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with _time_limit(request.scope, seconds):
            async for chunk in request.stream():
                if len(body) + len(chunk) > most:
                    raise _too_large(most)
                room.take(len(chunk))
                body += chunk
    except TimeoutError:
        raise ServiceError(408, "body_too_slow", f"the body did not arrive within {seconds:g} s") from None
    except ClientDisconnect:
        raise bad_request("the body ended before its length") from None
    return bytes(body)


def _time_limit(scope: Scope, seconds: float) -> AbstractAsyncContextManager:
    """Return what ends a `with` block in time; nothing does where a connection says that the body is there."""
    return nullcontext() if scope.get("body_is_there") else asyncio.timeout(seconds)


def _too_large(most: int) -> ServiceError:
    return ServiceError(413, "body_too_large", f"the body is larger than {most / MEBIBYTE:g} MiB")
