"""The service as a FastAPI application: its routes, and what surrounds them."""

import os
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from sightline.serving.application import Application
from sightline.serving.errors import ServiceError
from sightline.serving.http.classify import add_classify
from sightline.serving.http.clouds import Aliases
from sightline.serving.http.direct import Direct
from sightline.serving.http.envelope import Envelope
from sightline.serving.v2.routes import VERSION, add_v2

PAGE = Path(__file__).with_name("page.html")
POLICY = (  # the page runs nothing but itself and asks nobody but this service
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'"
)


def build_web(application: Application) -> ASGIApp:
    """Return the ASGI application, which starts and ends `application` with itself."""
    web = FastAPI(
        title="Sightline",
        version=VERSION,
        docs_url=None,  # its pages load scripts of others
        redoc_url=None,
        lifespan=lambda _: application.running(),
    )
    _add_pages(web, application)
    add_classify(web, application)
    add_v2(web, application)
    _add_errors(web)
    web.add_middleware(Envelope, application=application)  # within FastAPI's own, which would answer errors before it
    whole = Direct(web, application)
    origins = application.settings.cors
    if origins:  # around the envelope, so that other pages may read its refusals too
        whole = CORSMiddleware(whole, allow_origins=origins, allow_headers=["*"], expose_headers=["*"])
    return Aliases(whole, os.environ)


def _add_pages(web: FastAPI, application: Application) -> None:
    page = PAGE.read_text(encoding="utf-8")

    @web.get("/", include_in_schema=False)
    async def show_page() -> Response:
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    @web.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(application.metrics.page(), media_type=CONTENT_TYPE_LATEST)


def _add_errors(web: FastAPI) -> None:
    """Let whatever FastAPI itself refuses look like the service's own errors."""

    @web.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> None:
        raise ServiceError(error.status_code, str(error.detail).lower().replace(" ", "_"), str(error.detail)) from None
