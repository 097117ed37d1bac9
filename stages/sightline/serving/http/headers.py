"""What a request's headers say."""

from starlette.types import Scope


def header_of(scope: Scope, name: bytes) -> bytes:
    """Return a header's value; empty where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return b""


def key_of(scope: Scope) -> bytes:
    """Return the API key that a request brings, in either of two headers; empty where there is none."""
    return header_of(scope, b"x-api-key") or header_of(scope, b"authorization").removeprefix(b"Bearer ")
