"""What is written to a connection goes to the kernel in one piece."""

from asyncio import AbstractEventLoop, Transport


class Together:
    """A transport that gathers what is written in one go: uvicorn writes an answer's header and its body apart.

    Each write to a socket costs the processor as much as a tenth of a small request.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop):
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write soon, with what else is written until then."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Write what waits, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()

    def __getattr__(self, name: str):
        return getattr(self._transport, name)
