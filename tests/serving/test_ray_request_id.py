"""Behind Ray, which adds an id to every answer, an answer has one id: that of the request."""

import pytest
from starlette.testclient import TestClient

from sightline.serving.application import Application
from sightline.serving.http.web import build_web
from sightline.serving.ray.request_id import LeavesRequestId
from sightline.serving.settings import read_settings


class LikeRay:
    """What Ray Serve 2.60 puts around an application: the request has an id, and the answer gets it."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        async def send_with(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", dict(scope["headers"])[b"x-request-id"])]
            await send(message)

        await self._app(scope, receive, send_with)


@pytest.mark.parametrize(("path", "status"), [("/v2/health/live", 200), ("/none", 404)])
def test_an_answer_has_the_id_of_its_request_once(shares_model, path, status):
    service = LeavesRequestId(build_web(Application(read_settings({"SIGHTLINE_MODEL": shares_model}))))
    with TestClient(LikeRay(service)) as client:
        answer = client.get(path, headers={"x-request-id": "mine-1"})
    assert answer.status_code == status
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
