"""Experiments of a Git repository and the scores in their commits."""

import subprocess

import pytest

from sightline.common.errors import SightlineError
from sightline.experiments.scores import find_experiment, read_metrics


@pytest.fixture
def git(tmp_path):
    def run(*arguments):
        identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "--quiet")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/train.json").write_text('{"best": {"val": {"accuracy": 0.5}}}')
    run("add", "--all")
    run("commit", "--quiet", "--message", "One")
    return run


def test_an_experiment_is_found_by_its_name_and_gives_its_metrics(git, tmp_path):
    head = git("rev-parse", "HEAD")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/s-1", head)
    assert find_experiment("s-1", tmp_path) == head
    assert find_experiment("s-11", tmp_path) is None
    assert read_metrics(head, "train", tmp_path) == {"best": {"val": {"accuracy": 0.5}}}
    with pytest.raises(SightlineError, match=r"metrics/split.json of .* not there"):
        read_metrics(head, "split", tmp_path)
