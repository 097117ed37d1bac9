"""The service as a FastAPI application: its routes, and what surrounds them."""

import base64
import json
from pathlib import Path

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from sightline.serving.application import Application
from sightline.serving.bodies import read_body
from sightline.serving.envelope import Envelope
from sightline.serving.errors import ServiceError, bad_request
from sightline.serving.multipart import split_body
from sightline.serving.v2.routes import add_v2

PAGE = Path(__file__).with_name("page.html")
POLICY = (  # the page runs nothing but itself and asks nobody but this service
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'"
)
MEBIBYTE = 1 << 20
BODY = {  # for /openapi.json
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"image": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
        },
    }
}


def build_web(application: Application) -> FastAPI:
    """Return the ASGI application, which starts and ends `application` with itself."""
    web = FastAPI(
        title="Sightline",
        version=application.versions.first.sha256[:16],
        docs_url=None,  # its pages load scripts of others
        redoc_url=None,
        lifespan=lambda _: application.running(),
    )
    _add_pages(web, application)
    _add_classify(web, application)
    add_v2(web, application)
    _add_errors(web)
    if application.settings.cors:
        web.add_middleware(CORSMiddleware, allow_origins=application.settings.cors, allow_headers=["*"])
    web.add_middleware(Envelope, application=application)
    return web


def _add_pages(web: FastAPI, application: Application) -> None:
    page = PAGE.read_text(encoding="utf-8")

    @web.get("/", include_in_schema=False)
    async def show_page() -> Response:
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    @web.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(application.metrics.page(), media_type=CONTENT_TYPE_LATEST)


def _add_classify(web: FastAPI, application: Application) -> None:
    settings = application.settings

    @web.post("/classify", openapi_extra=BODY)
    async def classify(request: Request, top: int = Query(3, ge=1), explain: bool = False) -> Response:
        """Classify an image that is the body, or those of a multipart/form-data body."""
        with application.accepted() as (served, images, room):
            body = await read_body(request, settings.body_mb * MEBIBYTE, settings.body_s, room)
            files = split_body(body, request.headers.get("content-type", ""), settings.images)
            answers = await application.classify(served, files, top, images, explain)
        for told in answers:
            if "map" in told:
                told["map"] = base64.b64encode(told["map"]).decode()
        content = {"version": served.version, "images": answers}
        return Response(json.dumps(content, ensure_ascii=False), media_type="application/json")


def _add_errors(web: FastAPI) -> None:
    """Let whatever FastAPI itself refuses look like the service's own errors."""

    @web.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> None:
        raise ServiceError(error.status_code, str(error.detail).lower().replace(" ", "_"), str(error.detail)) from None

    @web.exception_handler(RequestValidationError)
    async def refuse_query(request: Request, error: RequestValidationError) -> None:
        first = error.errors()[0]
        raise bad_request(f"{first['loc'][-1]}: {first['msg']}") from None
