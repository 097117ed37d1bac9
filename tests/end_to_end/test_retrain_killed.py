"""The workflow retrain.yml, step by step as GitHub would run it, on digits that came to look otherwise."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from dvc_repo import environment_of
from imports import ROOT
from running_service import serving
from sightline.images.sources.digits import open_digits
from test_workflows import steps_of

SEEN = 240  # images that the service answers
STEPS = {name.partition("/")[2]: text for name, text in steps_of(ROOT / ".github/workflows/retrain.yml").items()}
pytestmark = pytest.mark.slow


@pytest.fixture
def service_log(repo, tmp_path, monkeypatch):
    """A service's log of negatives of digits, and labels of half of them."""
    listing, box = open_digits()
    folder = tmp_path / "service"
    rows = []
    options = {"log": str(folder), "log_images_mb": 64}
    with serving(model=str(repo.path / "models/exported/model.onnx"), **options) as service:
        for name, label in list(zip(listing.paths, listing.classes, strict=True))[:SEEN]:
            digit = negative(box.read(name, 1 << 20))
            service.classify(digit)
            rows.append((hashlib.sha256(digit).hexdigest(), label))
    with (tmp_path / "feedback.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label"), *rows[::2]])
    return folder, tmp_path / "feedback.csv"


def negative(png):
    stream = io.BytesIO()
    Image.fromarray(255 - np.asarray(Image.open(io.BytesIO(png)))).save(stream, "PNG")
    return stream.getvalue()


def run_step(repo, name, tmp_path, **environment):
    """Run a step's shell as GitHub does; return what it printed."""
    files = {key: str(tmp_path / key) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
    return repo.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name], **files, **environment)


def watch(repo, service_log, tmp_path):
    log, feedback = service_log
    run_step(repo, "Make those that no remote has", tmp_path)
    run_step(repo, "Fetch the service's log", tmp_path, LOG=str(log), FEEDBACK=str(feedback))
    assert "accuracy on 120 labels" in run_step(repo, "Watch", tmp_path)


def test_a_branch_with_a_better_model_even_after_a_kill(repo, service_log, tmp_path):
    before = repo.git("rev-parse", "HEAD")
    watch(repo, service_log, tmp_path)
    told = repo.run(sys.executable, "stages/retrain.py", "--dry-run")
    assert "would train" in told
    assert not (repo.path / "retrain").exists()
    kill_in_training(repo)
    repo.run(sys.executable, "stages/retrain.py")  # the workflow's step begins anew, this goes on
    told = json.loads(repo.read("retrain/retrain.json"))
    assert told["images"] == 120
    branch = told["branch"]
    open_pull_request(repo, branch, tmp_path)
    assert run_step(repo, "Retrain", tmp_path, OPTIONS="").count(f"the branch {branch} is there already") == 1
    assert not (repo.path / "retrain/copy").exists()
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("rev-parse", "HEAD") == before
    changed = repo.git("diff", "--name-only", "HEAD", branch).split()
    assert {"params.yaml", "dvc.lock", "data/raw/retrained.zip.dvc", "metrics/evaluate.json"} <= set(changed)
    before_share, now_share = (
        float(share) for share in told["new images"].replace("%", "").replace(",", "").split()[-3::2]
    )
    assert now_share > before_share
    repo.git("checkout", "--quiet", branch)
    repo.dvc("checkout")
    assert repo.dvc("status").strip() == "Data and pipelines are up to date."


def open_pull_request(repo, branch, tmp_path):
    """Run that step with a remote of this machine's and a recorder in the place of gh; go back to where Git was."""
    remote, programs = tmp_path / "remote.git", tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text('#!/bin/bash\nprintf "%s\\n" "$@" > "$RECORDED"\n')
    (programs / "gh").chmod(0o755)
    repo.git("init", "--quiet", "--bare", str(remote))
    repo.git("remote", "add", "origin", str(remote))
    given = {"BRANCH": branch, "REMOTE": "", "RECORDED": str(tmp_path / "recorded")}
    run_step(repo, "Open a pull request", tmp_path, PATH=f"{programs}:{os.environ['PATH']}", **given)
    asked = (tmp_path / "recorded").read_text().splitlines()
    assert asked[:4] == ["pr", "create", "--head", branch]
    assert asked[4:] == ["--title", "Retrain with 120 images more", "--body-file", "retrain/body.md"]
    assert repo.git("rev-parse", branch).strip() in repo.git("ls-remote", str(remote))
    body = repo.read("retrain/body.md")
    assert "drift" in body or "new images are labelled" in body
    assert "What changed" in body and "![" not in body
    repo.git("checkout", "--quiet", "-")


def kill_in_training(repo):
    """Start a retraining, and end all of it without a word in the middle of its training."""
    environment = environment_of(repo.home)
    process = subprocess.Popen(
        [sys.executable, "stages/retrain.py"], cwd=repo.path, env=environment, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 600
    while not list((repo.path / "retrain").glob("copy/.resume/*/*")) and time.monotonic() < until:
        time.sleep(0.1)
    below = subprocess.run(
        ["pgrep", "--parent", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    process.kill()
    for group in below:
        os.killpg(int(group), signal.SIGKILL)
    process.wait()
    assert not (repo.path / "retrain/retrain.json").exists()


def test_a_model_below_a_gate_is_not_proposed(repo, service_log, tmp_path):
    text = repo.read("params.yaml").replace("  max_ece: 1.0 ", "  max_ece: 0.0 ")
    watch(repo, service_log, tmp_path)
    (repo.path / "params.yaml").write_text(text)
    told = repo.run(sys.executable, "stages/retrain.py", status=1)
    assert "params.yaml: not as in the last commit" in told
    repo.commit("A gate that nothing passes")
    told = repo.run(sys.executable, "stages/retrain.py", status=3)
    assert "refused: gates missed: max_ece" in told
    assert json.loads(repo.read("retrain/retrain.json"))["branch"] is None
    assert (repo.path / "retrain/report/report.md").exists()
    assert repo.git("branch", "--list", "retrain/*") == ""
