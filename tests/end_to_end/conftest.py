"""Runs through the real `dvc` that many tests share, since each start of a stage takes seconds.

A test that changes something works in its own copy.
"""

import json
import os
from types import SimpleNamespace

import pytest
from filelock import FileLock

from dvc_repo import Repo, clone_project


@pytest.fixture(scope="session")
def first(tmp_path_factory):
    """The project after its first `dvc repro`, with its results committed: repo (only to be read), output, changed.

    One process of the tests makes it, and each has its copy: `dvc` locks what it works in.
    """
    here = tmp_path_factory.mktemp("dvc")
    shared = here.parent.parent if "PYTEST_XDIST_WORKER" in os.environ else here.parent
    made = Repo(shared / "first", shared / "home")
    with FileLock(shared / "first.lock"):
        if not (shared / "first.json").exists():
            (shared / "first.json").write_text(json.dumps(run_first(made)))
        repo = made.copy(here / "repo")
    return SimpleNamespace(repo=repo, **json.loads((shared / "first.json").read_text()))


def run_first(repo):
    """Clone the project, run all stages and commit; return what `dvc` said and what it changed for Git."""
    clone_project(repo.path, repo.home)
    repo.write_param("epochs", 2)
    repo.write_param("lr", "2e-3")
    repo.commit("Small settings")
    output = repo.dvc("repro")
    changed = repo.git("status", "--porcelain", "--untracked-files=all")
    repo.commit("Results")
    return {"output": output, "changed": changed}


@pytest.fixture
def repo(first, tmp_path):
    """A copy of the project with its results, free to change."""
    return first.repo.copy(tmp_path / "repo")


@pytest.fixture(scope="session")
def slower(first, tmp_path_factory):
    """A copy after an experiment with another learning rate: repo, output."""
    repo = first.repo.copy(tmp_path_factory.mktemp("slower") / "repo")
    return SimpleNamespace(repo=repo, output=repo.dvc("exp", "run", "--name", "slower", "-S", "lr=1e-4"))
