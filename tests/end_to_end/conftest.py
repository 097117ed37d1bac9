"""Runs through the real `dvc` that many tests share, since each start of a stage takes seconds.

A test that changes something works in its own copy.
"""

from types import SimpleNamespace

import pytest

from dvc_repo import clone_project


@pytest.fixture(scope="session")
def first(tmp_path_factory):
    """The project after its first `dvc repro`, with its results committed: repo (only to be read), output, changed."""
    folder = tmp_path_factory.mktemp("dvc")
    repo = clone_project(folder / "base", folder / "home")
    repo.write_param("epochs", 2)
    repo.write_param("lr", "2e-3")
    repo.commit("Small settings")
    output = repo.dvc("repro")
    changed = repo.git("status", "--porcelain", "--untracked-files=all")
    repo.commit("Results")
    return SimpleNamespace(repo=repo, output=output, changed=changed)


@pytest.fixture
def repo(first, tmp_path):
    """A copy of the project with its results, free to change."""
    return first.repo.copy(tmp_path / "repo")


@pytest.fixture(scope="session")
def slower(first, tmp_path_factory):
    """A copy after an experiment with another learning rate: repo, output."""
    repo = first.repo.copy(tmp_path_factory.mktemp("slower") / "repo")
    return SimpleNamespace(repo=repo, output=repo.dvc("exp", "run", "--name", "slower", "-S", "lr=1e-4"))
