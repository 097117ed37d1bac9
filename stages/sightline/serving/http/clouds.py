"""The paths by which managed clouds ask: those of SageMaker are fixed, Vertex AI names its own in the environment."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

READY, CLASSIFY = "/v2/health/ready", "/classify"
SAGEMAKER = {"/ping": READY, "/invocations": CLASSIFY}
VERTEX = {"AIP_HEALTH_ROUTE": READY, "AIP_PREDICT_ROUTE": CLASSIFY}


class Aliases:
    """ASGI middleware that puts a path of the service in place of one by which a cloud asks for it."""

    def __init__(self, app: ASGIApp, environment: Mapping[str, str]):
        self._app = app
        named = {environment[name]: path for name, path in VERTEX.items() if environment.get(name)}
        self._paths = SAGEMAKER | named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = self._paths.get(scope.get("path"))
        if path:
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)
