"""The workflow release.yml, step by step as GitHub would run it, but for the programs that only GitHub has.

`docker` and `gh` are recorders here; `docker run` starts the service with the settings of the Dockerfile.
"""

import os
import sys

import pytest

from imports import ROOT
from test_workflows import steps_of

STEPS = {name.partition("/")[2]: text for name, text in steps_of(ROOT / ".github/workflows/release.yml").items()}
RECORDER = """#!/bin/bash
echo "$(basename "$0") $*" >> "$RECORDED"
case "$(basename "$0") $1" in
  "docker login") cat >> "$RECORDED" ;;
  "docker run")
    SIGHTLINE_PORT=8080 nohup "$PYTHON" stages/serve.py > "$RECORDED.service" 2>&1 &
    echo $! > "$RECORDED.pid" ;;
  "docker rm") kill "$(cat "$RECORDED.pid")" ;;
esac
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def release(repo, tmp_path):
    """Return what runs a step of the release of a tag and returns what it printed, and the file of recorded calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("docker", "gh"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    files = {name: tmp_path / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ENV", "RECORDED")}
    given = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "GITHUB_REPOSITORY": "Someone/Helmets",
        "GITHUB_ACTOR": "someone",
        "GH_TOKEN": "secret",
        **{name: str(path) for name, path in files.items()},
    }

    def run(step, status=0, **environment):
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step])
        lines = files["GITHUB_ENV"].read_text().splitlines() if files["GITHUB_ENV"].exists() else []
        told = dict(line.split("=", 1) for line in lines)
        commit = repo.git("rev-parse", "HEAD").strip()
        return repo.run(*shell, status=status, GITHUB_SHA=commit, **given, **told, **environment)

    return run, files


def test_a_tag_becomes_a_container_and_a_release(repo, release):
    run, files = release
    repo.git("tag", "v1.0.0")
    repo.write_param("lr", "1e-3")
    repo.dvc("repro")
    repo.commit("Another rate")
    repo.git("tag", "v1.1.0")
    for step in (
        "Make those that no remote has, and refuse others than those of the tag",
        "Hold them against the gates",
        "Build the container",
        "Ask it",
        "Publish",
    ):
        printed = run(step, TAG="v1.1.0")
        if step == "Ask it":
            assert '"name":"classifier"' in printed
    report = files["GITHUB_STEP_SUMMARY"].read_text()
    assert "v1.0.0" in report and "v1.1.0" in report
    image = "ghcr.io/someone/helmets:v1.1.0"
    commit = repo.git("rev-parse", "HEAD").strip()
    recorded = files["RECORDED"].read_text().splitlines()
    assert recorded == [
        f"docker build --build-arg REVISION={commit} --tag {image} .",
        f"docker run --detach --name tried --publish 127.0.0.1:8080:8080 --read-only {image}",
        "docker rm --force tried",
        "docker login ghcr.io --username someone --password-stdin",
        "secret",
        f"docker push {image}",
        "gh release create v1.1.0 --title v1.1.0 --notes-file models/exported/MODEL_CARD.md "
        "models/exported/model.onnx models/exported/labels.txt report/report.md",
    ]
    for name in recorded[-1].split()[6:]:
        assert name.startswith("-") or (repo.path / name).is_file()


def test_results_of_another_state_are_not_released(repo, release):
    run, _ = release
    repo.write_param("lr", "1e-3")
    repo.commit("A rate that nobody trained with")
    repo.git("tag", "v1.0.0")
    printed = run("Make those that no remote has, and refuse others than those of the tag", status=1, TAG="v1.0.0")
    assert "dvc.lock" in printed


def test_a_missed_gate_ends_the_release(repo, release):
    run, files = release
    text = repo.read("params.yaml").replace("  max_ece: 1.0 ", "  max_ece: 0.0 ")
    (repo.path / "params.yaml").write_text(text)
    repo.commit("A gate that nothing passes")
    repo.git("tag", "v1.0.0")
    run("Hold them against the gates", status=3, TAG="v1.0.0")
    assert "max_ece" in repo.read("report/report.md")
    assert not files["RECORDED"].exists()
