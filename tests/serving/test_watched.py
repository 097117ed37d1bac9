"""What the dashboard shows and the alerts ask for is what the service counts."""

import json
import re
import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from dockerfile import image_environment
from imports import ROOT
from sightline.serving.metrics import Metrics

SERIES = re.compile(r"\b((?:sightline|process)_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')
OF_PROMETHEUS = {"instance", "job"}  # labels that scraping adds
STEPS_BACK = ("errors", "latency")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def read_yaml(name):
    return YAML(typ="safe").load((ROOT / name).read_text())


def rules():
    return [rule["expr"] for group in read_yaml("deploy/alerts.yml")["groups"] for rule in group["rules"]]


def panels():
    return json.loads((ROOT / "deploy/grafana/dashboards/sightline.json").read_text())["panels"]


def expressions():
    return [target["expr"] for panel in panels() for target in panel["targets"]] + rules()


@pytest.fixture(scope="module")
def page(service):
    """/metrics of a service that has answered, and refused."""
    service.classify(b"no image")
    return service.ask("GET", "/metrics").body.decode()


@pytest.fixture(scope="module")
def names(page):
    """The series of /metrics, also of labels that have not come up yet."""
    kinds = re.findall(r"^# TYPE (\S+) (\w+)$", page, re.MULTILINE)
    return {
        name.removesuffix("_total") + suffix if kind == "counter" else name + suffix
        for name, kind in kinds
        for suffix in SUFFIXES[kind]
    }


def test_every_series_is_one_of_the_service(names):
    asked = {name for expression in expressions() for name, _ in SERIES.findall(expression)}
    assert len(asked) > 15
    assert asked - names == set()


def test_every_metric_of_the_service_is_looked_at(names):
    asked = {name for expression in expressions() for name, _ in SERIES.findall(expression)}
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}
    own = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in names if name.startswith("sightline_")}
    assert own - families == set()


def test_every_label_is_one_of_the_services_metrics(service):
    collectors = service.application.metrics.registry._collector_to_names
    labels = {
        collector._name: {*collector._labelnames, "le"} for collector in collectors if hasattr(collector, "_labelnames")
    }
    for expression in expressions():
        for name, selector in SERIES.findall(expression):
            family = re.sub(r"_(total|bucket|sum|count)$", "", name)
            asked = {label for label, _, _ in LABEL.findall(selector)} - OF_PROMETHEUS
            assert asked <= labels.get(family, set()), expression
        for group in re.findall(r"\bby \(([^)]*)\)", expression):
            known = set().union(*labels.values()) | OF_PROMETHEUS
            assert set(re.split(r",\s*", group)) <= known, expression


def test_the_kinds_of_errors_that_alerts_ask_for_are_those_of_the_code():
    source = "".join(path.read_text() for path in (ROOT / "stages/sightline/serving").rglob("*.py"))
    values = [
        value for rule in rules() for label, _, value in LABEL.findall(rule) if label in ("code", "result", "part")
    ]
    assert values
    for value in values:
        assert all(f'"{kind}"' in source for kind in value.split("|")), value


def test_what_alerts_ask_for_counts_from_0():
    """Prometheus sees no increase in a series whose first value is 1."""
    registry = Metrics().registry
    asked = [found for rule in rules() for found in SERIES.findall(rule) if "_total" in found[0]]
    wanted = [(name, label, value) for name, selector in asked for label, _, value in LABEL.findall(selector)]
    assert len(wanted) >= 3
    for name, label, value in wanted:
        assert [registry.get_sample_value(name, {label: kind}) for kind in value.split("|")] == [0] * (
            1 + value.count("|")
        )
    steps_back = [registry.get_sample_value("sightline_rollout_steps_back_total", {"reason": r}) for r in STEPS_BACK]
    assert steps_back == [0, 0]


def test_prometheus_scrapes_the_port_of_the_image_under_the_alerts_job():
    job = read_yaml("deploy/prometheus.yml")["scrape_configs"][0]
    assert job["static_configs"][0]["targets"] == [f"sightline:{image_environment()['SIGHTLINE_PORT']}"]
    assert any(f'job="{job["job_name"]}"' in rule for rule in rules())


def test_panels_lie_side_by_side_and_ask_the_data_source_that_is_set_up():
    source = read_yaml("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"][0]
    taken = set()
    for panel in panels():
        assert panel["datasource"]["uid"] == source["uid"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_promtool_accepts_rules_and_configuration():
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed: it comes with Prometheus")
    for command in (["rules", "alerts.yml"], ["config", "prometheus.yml"]):
        done = subprocess.run(["promtool", "check", *command], cwd=ROOT / "deploy", capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
