"""What surrounds every request: the key, the time there is for it, its id, the model's headers, what metrics count."""

import asyncio
import hmac
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.serving.application import Application
from sightline.serving.errors import ServiceError

OPEN = ("/", "/v2/health/live", "/v2/health/ready")  # without a key: the page, and what orchestrators ask
SANE = re.compile(r"[\w.-]{1,64}")
PAGES = {  # for every answer
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
log = logging.getLogger("uvicorn.error")


class Envelope:
    """ASGI middleware around the whole service."""

    def __init__(self, app: ASGIApp, application: Application):
        self._app = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; whatever goes wrong becomes one JSON object, and a traceback goes to the log alone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(send, self._headers(scope))
        start = time.perf_counter()
        try:
            self._check_key(scope)
            async with asyncio.timeout(self._application.settings.timeout_s):
                await self._app(scope, receive, answer.send)
        except ServiceError as error:
            await answer.refuse(error)
        except TimeoutError:
            seconds = self._application.settings.timeout_s
            await answer.refuse(ServiceError(504, "too_slow", f"no answer within {seconds:g} s"))
        except Exception:
            log.exception("request %s failed", answer.headers["x-request-id"])
            await answer.refuse(ServiceError(500, "internal", "the service failed: its log has the request's id"))
        self._count(scope, answer, time.perf_counter() - start)

    def _headers(self, scope: Scope) -> dict[str, str]:
        served = self._application.versions.current
        given = Headers(scope=scope).get("x-request-id", "")
        return PAGES | {
            "x-request-id": given if SANE.fullmatch(given) else uuid.uuid4().hex,
            "sightline-version": served.version,
            "sightline-sha256": served.model.sha256,
            "sightline-revision": self._application.revision,
        }

    def _check_key(self, scope: Scope) -> None:
        wanted = self._application.settings.api_key
        if not wanted or scope["path"] in OPEN or scope["method"] == "OPTIONS":
            return
        headers = Headers(scope=scope)
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode("latin-1"), wanted.encode()):
            raise ServiceError(401, "key", "send the key as X-API-Key, or as Authorization: Bearer")

    def _count(self, scope: Scope, answer: "Answer", seconds: float) -> None:
        metrics = self._application.metrics
        endpoint = getattr(scope.get("route"), "path", "other")
        metrics.requests.labels(endpoint, answer.status).inc()
        metrics.seconds.labels("total").observe(seconds)
        if answer.code:
            metrics.errors.labels(answer.code).inc()


class Answer:
    """Sends an answer with the headers of every answer, or an error where none was begun."""

    def __init__(self, send: Send, headers: dict[str, str]):
        self.headers = headers
        self.status = 0
        self.code = ""
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self.headers.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def refuse(self, error: ServiceError) -> None:
        """Send an error; where an answer was begun, which then ends early, do nothing."""
        self.code = error.code
        if self.status:
            return
        body = error.body()
        headers = error.headers() | {"content-length": str(len(body))}
        start = {"type": "http.response.start", "status": error.status, "headers": []}
        MutableHeaders(scope=start).update(headers)
        await self.send(start)
        await self._send({"type": "http.response.body", "body": body})
