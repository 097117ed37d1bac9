"""The paths of SageMaker and Vertex AI lead to the service's own."""

from running_service import serving


def test_sagemakers_paths_answer_as_the_services_own(service, red):
    assert service.ask("GET", "/ping").status == 200
    asked = service.ask("POST", "/invocations?top=2", red, content_type="image/png")
    assert asked.body == service.classify(red, query="?top=2").body
    assert b'endpoint="/invocations"' not in service.ask("GET", "/metrics").body  # counted as what they stand for


def test_vertex_names_its_paths_in_the_environment(monkeypatch, shares_model, red):
    monkeypatch.setenv("AIP_HEALTH_ROUTE", "/v1/endpoints/1/deployedModels/2")
    monkeypatch.setenv("AIP_PREDICT_ROUTE", "/v1/endpoints/1/deployedModels/2:predict")
    with serving(model=shares_model, api_key="secret") as service:
        assert service.ask("GET", "/v1/endpoints/1/deployedModels/2").status == 200  # probes have no key
        path = "/v1/endpoints/1/deployedModels/2:predict"
        assert service.ask("POST", path, red).status == 401
        assert service.ask("POST", path, red, x_api_key="secret").json()["images"][0]["class"] == "red"


def test_other_paths_are_none(service):
    assert service.ask("GET", "/pings").status == 404
