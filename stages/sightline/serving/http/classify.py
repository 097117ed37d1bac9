"""POST /classify: images in, answers out."""

import base64

import orjson
from fastapi import FastAPI, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope

from sightline.serving.application import Application
from sightline.serving.errors import bad_request
from sightline.serving.http.bodies import MEBIBYTE, read_body
from sightline.serving.http.headers import header_of
from sightline.serving.http.multipart import split_body

PATH = "/classify"
JSON = "application/json"
TOP = 3  # classes in an answer that asks for no other number
YES, NO = ("1", "true", "yes"), ("0", "false", "no", "")
FILE = {"type": "string", "format": "binary"}
FORM = {"type": "object", "properties": {"image": {"type": "array", "items": FILE}}}
DESCRIPTION = {  # for /openapi.json; FastAPI would read the query itself, but takes as long for it as the model
    "parameters": [
        {"name": "top", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": TOP}},
        {"name": "explain", "in": "query", "schema": {"type": "boolean", "default": False}},
    ],
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": FILE}, "multipart/form-data": {"schema": FORM}},
    },
}


def add_classify(web: FastAPI, application: Application) -> None:
    """Add the route."""

    @web.post(PATH, openapi_extra=DESCRIPTION)
    async def classify(request: Request) -> Response:
        """Classify the image that is the body, or those of a multipart/form-data body."""
        return Response(await answer_images(application, request.scope, request.receive), media_type=JSON)


async def answer_images(application: Application, scope: Scope, receive: Receive) -> bytes:
    """Return the answer for the images of a request, as JSON.

    Raises
    ------
    ServiceError
        There is none.
    """
    settings = application.settings
    asked = scope["query_string"]
    top, explain = read_query(QueryParams(asked)) if asked else (TOP, False)
    served = scope["served"]
    with application.accepted(served) as (images, room):
        body = await read_body(scope, receive, settings.body_mb * MEBIBYTE, settings.body_s, room)
        files = split_body(body, header_of(scope, b"content-type").decode("latin-1"), settings.images)
        answers = await application.classify(served, files, top, images, explain)
    if explain:
        for told in answers:
            if "map" in told:
                told["map"] = base64.b64encode(told["map"]).decode()
    return orjson.dumps({"version": served.version, "images": answers})


def read_query(query: QueryParams) -> tuple[int, bool]:
    """Return how many classes to name, and whether to explain.

    Raises
    ------
    ServiceError
        One of them is none.
    """
    top = query.get("top", str(TOP))
    if not (top.isascii() and top.isdigit() and int(top[:9]) > 0):
        raise bad_request("top: must be a whole number from 1 on")
    explain = query.get("explain", "").lower()
    if explain not in YES + NO:
        raise bad_request("explain: must be 1 or 0")
    return int(top[:9]), explain in YES
