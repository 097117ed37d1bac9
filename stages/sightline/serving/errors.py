"""What the service refuses, and why: one JSON object each, of the form that the v2 protocol asks for."""

import json


class ServiceError(Exception):
    """A request that gets no answer.

    Parameters
    ----------
    status : int
        Of HTTP.
    code : str
        A name for programs; also the kind by which metrics count it.
    message : str
        One line for people, without paths of this machine.
    retry_after : int or None
        Seconds after which to try again.
    """

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after

    def body(self) -> bytes:
        """Return the JSON."""
        return json.dumps({"error": str(self), "code": self.code}, ensure_ascii=False).encode()

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers besides those of every answer."""
        retry = [] if self.retry_after is None else [(b"retry-after", b"%d" % self.retry_after)]
        return [(b"content-type", b"application/json"), *retry]


def busy() -> ServiceError:
    """Return the error of a service that has as much to do as it may take on."""
    return ServiceError(503, "busy", "all places are taken: try again", retry_after=1)


def bad_request(message: str) -> ServiceError:
    """Return the error of a request that cannot be understood."""
    return ServiceError(400, "bad_request", message)
