"""What surrounds every request: the key, the time there is for it, its id, the model's headers, what metrics count."""

import hmac
import itertools
import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.serving.application import Application
from sightline.serving.errors import ServiceError
from sightline.serving.http.deadlines import Deadlines
from sightline.serving.http.headers import header_of, key_of
from sightline.serving.messages import REQUEST
from sightline.serving.rollout.arms import ARM, Arm

OPEN = ("/", "/v2/health/live", "/v2/health/ready")  # without a key: the page, and what orchestrators ask
SANE = re.compile(rb"[\w.-]{1,64}")
ALWAYS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
log = logging.getLogger("uvicorn.error")


class Envelope:
    """ASGI middleware around the whole service."""

    def __init__(self, app: ASGIApp, application: Application):
        self._app = app
        self._application = application
        self._tells_each = application.settings.messages == "json"
        self._prefix = secrets.token_hex(4).encode()
        self._numbers = itertools.count()
        self._deadlines = Deadlines(application.settings.timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; whatever goes wrong becomes one JSON object, and a traceback goes to the log alone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = self._number_of(scope)
        REQUEST.set(number.decode())
        routed = self._application.rollout.route(scope, self._application.versions.current)
        ARM.set(routed.arm)
        scope["served"] = routed.served  # the routes answer with what the headers name
        answer = Answer(send, [*ALWAYS, *routed.headers, (b"x-request-id", number)])
        start = time.perf_counter()
        try:
            self._check_key(scope)
            with self._deadlines.limit():
                await self._app(scope, receive, answer.send)
        except ServiceError as error:
            await answer.refuse(error)
        except TimeoutError:
            seconds = self._application.settings.timeout_s
            await answer.refuse(ServiceError(504, "too_slow", f"no answer within {seconds:g} s"))
        except Exception:
            log.exception("request %s failed", number.decode())
            await answer.refuse(ServiceError(500, "internal", "the service failed: its log has the request's id"))
        self._count(scope, answer, routed.arm, time.perf_counter() - start)

    def _number_of(self, scope: Scope) -> bytes:
        """Return the id that the client gave its request, or a new one."""
        given = header_of(scope, b"x-request-id")
        return given if SANE.fullmatch(given) else b"%s%08x" % (self._prefix, next(self._numbers))

    def _check_key(self, scope: Scope) -> None:
        wanted = self._application.settings.api_key
        if not wanted or scope["path"] in OPEN:
            return
        if not hmac.compare_digest(key_of(scope), wanted.encode()):
            raise ServiceError(401, "key", "send the key as X-API-Key, or as Authorization: Bearer")

    def _count(self, scope: Scope, answer: "Answer", arm: Arm, seconds: float) -> None:
        metrics = self._application.metrics
        self._application.rollout.observe(arm, answer.status, seconds)
        endpoint = getattr(scope.get("route"), "path", "other")
        metrics.observe_request(endpoint, answer.status, seconds)
        if self._tells_each:
            told = {"endpoint": endpoint, "status": answer.status, "ms": round(1000 * seconds, 2)}
            told |= {"arm": arm.name} if arm.name else {}
            log.info("answered", extra=told)
        if answer.code:
            metrics.errors.labels(answer.code).inc()


class Answer:
    """Sends an answer with the headers of every answer, or an error where none was begun."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]):
        self.status = 0
        self.code = ""
        self._headers = headers
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers]
        await self._send(message)

    async def refuse(self, error: ServiceError) -> None:
        """Send an error; where an answer was begun, which then ends early, do nothing."""
        self.code = error.code
        if self.status:
            return
        body = error.body()
        headers = [*error.headers(), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
