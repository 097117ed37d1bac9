"""The command up to where it would train: which limits ask for it, and what else is wanted. tests/end_to_end trains."""

import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image

import retrain
from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_table
from sightline.common.params import load_params
from small_run import CLASSES, make_run

NEW = 25  # labelled images


def call(*command):
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A repository whose last commit has results, and a service that saw nothing unusual but got labels."""
    here = tmp_path_factory.mktemp("origin")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "Tester")
            patch.setenv(f"GIT_{name}_EMAIL", "tester@example.com")
        call("git", "init", "--quiet")
        (here / ".dvc").mkdir()
        (here / ".dvc/config").touch()  # as `dvc init`, which takes a second
        make_run(here, ("train", "val", "test"))
        write_json(here / "metrics/evaluate.json", {"test": {"accuracy": 0.9}})
        shutil.copy(ROOT / "params.yaml", here)
        (here / ".gitignore").write_text("models\nmonitor\nretrain\n.dvc/tmp\n")
        call("git", "add", "--all")  # what DVC's cache would keep is read from Git all the same
        call("git", "commit", "--quiet", "--message", "Results")
    write_json(here / "monitor/history.json", {"windows": [{"drift": ["noise"]}, {"drift": []}]})
    write_json(here / "monitor/accuracy.json", [{"name": "all", "high": 0.95}])
    (here / "monitor/labelled/images").mkdir(parents=True)
    for number in range(NEW):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(here / f"monitor/labelled/images/{number}.png")
    paths = [f"images/{number}.png" for number in range(NEW)]
    table = pd.DataFrame({"path": paths, "label": CLASSES[0], "predicted": CLASSES[1]})
    write_table(here / "monitor/labelled/labels.csv", table)
    return here


@pytest.fixture
def repo(origin, tmp_path, monkeypatch):
    shutil.copytree(origin, tmp_path / "repo", symlinks=True)
    monkeypatch.chdir(tmp_path / "repo")
    return tmp_path / "repo"


def run(monkeypatch, *options):
    """Run the command; return its exit status."""
    monkeypatch.setattr(sys, "argv", ["retrain.py", *options])
    try:
        retrain.main(load_params(retrain.Params))
    except SystemExit as end:
        return end.code
    return 0


def test_which_limits_ask_for_it_and_what_else_is_wanted(repo, monkeypatch, capsys):
    assert run(monkeypatch) == 0
    assert "no limit is reached: nothing to do" in capsys.readouterr().out
    assert run(monkeypatch, "--labels", "25", "--least", "26") == 4
    assert "label 1 images more" in capsys.readouterr().out
    told = []
    for limits in (("--labels", "25"), ("--force",)):
        assert run(monkeypatch, "--dry-run", *limits) == 0
        told.append(re.search(r"for the branch (retrain/\w{8})", capsys.readouterr().out)[1])
    assert told[0] == told[1]
    call("git", "branch", told[0])
    assert run(monkeypatch, "--force") == 0
    assert f"the branch {told[0]} is there already" in capsys.readouterr().out
    assert not (repo / "retrain").exists()


def test_what_is_not_committed_is_never_trained(repo, monkeypatch):
    with (repo / "params.yaml").open("a") as file:
        file.write("# mine\n")
    with pytest.raises(SightlineError, match=r"^params\.yaml: not as in the last commit"):
        run(monkeypatch, "--force")


def test_results_that_are_not_here_are_named(repo, monkeypatch):
    call("git", "-c", "user.name=T", "-c", "user.email=t@example.com", "rm", "-rq", "--cached", "data/prepared")
    call("git", "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "Without images")
    with pytest.raises(SightlineError, match=r"^data/prepared/dataset\.json of \w+: not in DVC's cache: commit what"):
        run(monkeypatch, "--force")
