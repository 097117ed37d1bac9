"""What converters and run-times raise about odd networks, in one line: they promise no types of their own."""

from collections.abc import Iterator
from contextlib import contextmanager

from sightline.common.errors import SightlineError

LONGEST = 200  # characters of a reason: some converters list whole graphs


@contextmanager
def refusing(failed: str, remedy: str) -> Iterator[None]:
    """Turn whatever is raised inside the block into a SightlineError: what failed, the reason, what else works."""
    try:
        yield
    except SightlineError:
        raise
    except Exception as error:
        raise SightlineError(f"{failed}: {reason_of(error)}: {remedy}") from None


def reason_of(error: BaseException) -> str:
    """Return type and message of what an error goes back to, in one line.

    torch's exporters wrap the reason in advice of many lines about themselves.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = (lines or ["no message"])[0].rstrip(":.")
    return f"{type(error).__name__}: {message}"[:LONGEST]
