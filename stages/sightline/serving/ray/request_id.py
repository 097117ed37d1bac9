"""`X-Request-ID` once: Ray puts the id that a request has, or that it gave it, on every answer itself."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LeavesRequestId:
    """ASGI middleware around the service that leaves the answer's `X-Request-ID` to Ray."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or the service's start and end."""

        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                del MutableHeaders(raw=message["headers"])["x-request-id"]
            await send(message)

        await self._app(scope, receive, send_without)
