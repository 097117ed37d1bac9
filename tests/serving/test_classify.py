"""What POST /classify answers, and what surrounds every answer."""

import base64
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from running_service import serving

RED = {
    "class": "red",
    "probability": 0.8,
    "decided": True,
    "top": [{"class": "red", "probability": 0.8}, {"class": "blue", "probability": 0.2}],
    "set": ["red", "blue"],
    "set_coverage": 0.95,
}


def test_an_image_as_the_body(service, red):
    reply = service.classify(red, query="?top=2")
    assert reply.status == 200
    assert reply.json() == {"version": "1", "images": [RED]}


def test_several_images_in_a_form_with_a_bad_one_between(service, red, grey):
    reply = service.classify(red, b"text", grey, query="?top=2")
    first, bad, last = reply.json()["images"]
    assert first == RED
    assert bad == {"error": "no image format that is known: send JPEG, PNG, WEBP, GIF, BMP, TIFF"} | {
        "code": "format_not_allowed"
    }
    assert (last["class"], last["probability"], last["decided"]) == ("red", 0.5, False)
    assert last["set"] == ["red", "grün", "blue"]


def test_every_answer_names_its_model(service, shares_model, red):
    digest = hashlib.sha256(Path(shares_model).read_bytes()).hexdigest()
    for reply in (service.classify(red), service.ask("GET", "/none"), service.ask("GET", "/v2/health/live")):
        told = {name: reply.headers[f"sightline-{name}"] for name in ("version", "sha256", "revision")}
        assert told == {"version": "1", "sha256": digest, "revision": "abc"}
    assert service.classify(red, X_Request_Id="my-1").headers["x-request-id"] == "my-1"
    assert service.classify(red, X_Request_Id="a b\tc").headers["x-request-id"] != "a b\tc"


def test_an_occlusion_map_on_demand(service, encode, red):
    told = service.classify(red, query="?explain=1").json()["images"][0]
    picture = Image.open(io.BytesIO(base64.b64decode(told["map"])))
    assert (picture.format, picture.size, told["class"]) == ("PNG", (224, 224), "red")
    assert picture.getextrema() == ((200, 200), (0, 0), (50, 50))  # every square is like every other: no fall anywhere


def test_the_page_and_its_policy(service):
    page = service.ask("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert b"://" not in page.body.replace(b"http://www.w3.org/", b"")  # nothing is fetched from elsewhere
    schema = service.ask("GET", "/openapi.json").json()
    assert "multipart/form-data" in schema["paths"]["/classify"]["post"]["requestBody"]["content"]


def test_metrics_count(service, red, grey):
    def read(line):
        page = service.ask("GET", "/metrics").body.decode()
        return sum(float(row.rpartition(" ")[2]) for row in page.splitlines() if row.startswith(f"sightline_{line}"))

    names = ('predictions_total{class="red"}', "abstentions_total", 'errors_total{code="format_not_allowed"}')
    names += ("batch_images_sum", 'seconds_count{part="decode"}', 'seconds_count{part="queue"}', "confidence_count")
    before = [read(name) for name in names]
    service.classify(red, grey, b"text")
    assert [read(name) - then for name, then in zip(names, before, strict=True)] == [2, 1, 1, 2, 2, 2, 2]
    assert read('requests_total{endpoint="/classify",status="200"}') > 0
    assert read("images_waiting") == 0


def test_a_key_is_asked_for_but_not_of_the_page_and_the_health(shares_model, red):
    with serving(model=shares_model, api_key="sécret", cors=("https://a.example",)) as closed:
        refused = [closed.classify(red), closed.classify(red, X_Api_Key="x"), closed.ask("GET", "/metrics")]
        assert [(reply.status, reply.json()["code"]) for reply in refused] == [(401, "key")] * 3
        key = "sécret".encode().decode("latin-1")
        assert closed.classify(red, X_Api_Key=key).status == 200
        assert closed.classify(red, Authorization=f"Bearer {key}").status == 200
        assert [closed.ask("GET", path).status for path in ("/", "/v2/health/live", "/v2/health/ready")] == [200] * 3
        asked = {"Origin": "https://a.example", "Access_Control_Request_Method": "POST"}
        told = closed.ask("OPTIONS", "/classify", **asked).headers
        assert told["access-control-allow-origin"] == "https://a.example"


def test_other_origins_are_not_allowed_by_default(service, red):
    assert "access-control-allow-origin" not in service.classify(red, Origin="https://a.example").headers


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_pages_that_load_scripts_of_others_are_off(service, path):
    assert service.ask("GET", path).status == 404
