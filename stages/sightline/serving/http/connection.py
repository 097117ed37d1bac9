"""What uvicorn's connections lack: bounds on a header's time and size, and JSON for what is not HTTP."""

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sightline.serving.errors import bad_request
from sightline.serving.http.transport import Together

SECONDS = 10  # for a header
LARGEST = 1 << 16  # bytes of a header


class Connection(HttpToolsProtocol):
    """uvicorn's, which would wait for ever for a header of any size, and answer what is not HTTP with plain text."""

    _timer: TimerHandle | None = None
    _in_header = True
    _received = 0

    def connection_made(self, transport: Any) -> None:
        """Give the first header its time."""
        super().connection_made(Together(transport, self.loop))
        self._start_timer()

    def on_message_begin(self) -> None:
        """Know that a header begins."""
        super().on_message_begin()
        self._in_header = True
        self._received = 0  # without what came together with its begin, which may hold the body before it

    def on_headers_complete(self) -> None:
        """Go on as uvicorn does."""
        self._in_header = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let `bodies.read_body` know that there is nothing to wait for."""
        self.cycle.scope["body_is_there"] = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Go on as uvicorn does; give a header that did not come whole its time, and refuse one that is too large."""
        self._received += len(data)
        super().data_received(data)
        if not self._in_header or self.transport.is_closing():
            return
        if self._received > LARGEST:
            self.send_400_response("the header is too large")
        elif not self._timer:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request as every other error."""
        body = bad_request(msg.lower().rstrip(".")).body()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
