"""How uvicorn's connections treat clients that never finish a header, and what is not HTTP."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sightline.serving.errors import bad_request

SECONDS = 10  # for the header of a connection's first request


class Connection(HttpToolsProtocol):
    """uvicorn's, which would wait for ever for a header, and answer with plain text to what is not HTTP."""

    def connection_made(self, transport: Any) -> None:
        """Give the header its time."""
        super().connection_made(transport)
        self.loop.call_later(SECONDS, self._close_silent)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP as every other error."""
        body = bad_request("not an HTTP request").body()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _close_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()
