"""The Dockerfile's steps, and what stands beside it, against the service as it is."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from ruamel.yaml import YAML

from dockerfile import Built, find, image_environment, read_dockerfile
from imports import ROOT
from serve import GRACE
from sightline.serving.settings import Settings, read_settings


def read_yaml(name):
    return list(YAML(typ="safe").load_all((ROOT / name).read_text()))


@pytest.fixture(scope="module")
def pod():
    """The template of deploy/kubernetes.yaml's pods."""
    return read_yaml("deploy/kubernetes.yaml")[0]["spec"]["template"]["spec"]


def test_the_image_has_this_python_and_what_its_settings_ask_for():
    assert find("FROM") == "service"
    base = next(value for name, value in read_dockerfile() if name == "FROM")
    assert base == "python:3.11-slim AS service"
    settings = read_settings(image_environment())
    assert (settings.host, settings.port, settings.model) == ("0.0.0.0", int(find("EXPOSE")), "/models/model.onnx")
    assert find("USER") == "$USER"
    assert "ARG USER=10001" in (ROOT / "Dockerfile").read_text()


def test_only_what_the_image_copies_is_sent_to_the_builder():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {value.split()[0] for name, value in read_dockerfile() if name == "COPY"}
    assert sent - copied == {"models", "models/exported"}  # folders on the way to the model
    assert copied <= sent


def test_kubernetes_asks_what_the_service_answers(pod, service):
    container = pod["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": int(image_environment()["SIGHTLINE_PORT"])}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        assert (service.ask("GET", asked["path"]).status, asked["port"]) == (200, "http")
    read_settings({entry["name"]: entry["value"] for entry in container["env"]})


def test_who_ends_the_service_waits_until_it_has_drained(pod):
    drains = Settings().timeout_s + GRACE
    pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > drains + pause
    assert int(read_yaml("compose.yaml")[0]["services"]["sightline"]["stop_grace_period"].rstrip("s")) > drains


def test_kubernetes_runs_it_as_the_images_user_without_rights(pod):
    assert pod["securityContext"]["runAsUser"] == int(
        re.search(r"ARG USER=(\d+)", (ROOT / "Dockerfile").read_text())[1]
    )
    rights = pod["containers"][0]["securityContext"]
    assert rights["readOnlyRootFilesystem"] is True
    assert (rights["allowPrivilegeEscalation"], rights["capabilities"]) == (False, {"drop": ["ALL"]})


def test_compose_mounts_what_is_there_and_publishes_on_the_loopback_alone():
    for service in read_yaml("compose.yaml")[0]["services"].values():
        for volume in service["volumes"]:
            source, _, target = volume.removesuffix(":ro").partition(":")
            assert not source.startswith("./deploy") or (ROOT / source).exists(), volume
            assert source != "./models/exported" or f"{target}/model.onnx" == image_environment()["SIGHTLINE_MODEL"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.slow
def test_its_steps_make_a_service_that_is_healthy_and_answers(tmp_path, shares_model, red):
    assert sys.version_info[:2] == (3, 11)  # the base image's
    built = Built(tmp_path, shares_model)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = built.environment | {"SIGHTLINE_HOST": "127.0.0.1", "SIGHTLINE_PORT": str(port)}
    process = subprocess.Popen(built.command("CMD"), env=environment, cwd=tmp_path)

    def is_healthy():
        check = built.command("HEALTHCHECK")
        return subprocess.run(check, env=environment, check=False, stderr=subprocess.DEVNULL).returncode == 0

    assert not is_healthy()  # too early
    until = time.monotonic() + 60
    while not is_healthy() and time.monotonic() < until:
        time.sleep(0.2)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/invocations", red)
    assert json.loads(connection.getresponse().read())["images"][0]["class"] == "red"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
