"""A repository of Git with a `dvc` that only pretends: it takes a moment, then leaves an experiment."""

import os
from types import SimpleNamespace

import pytest

from sightline.experiments.start import start
from sightline.sweeping.runner import Runner
from sweep_repo import job_of, make_repository

DVC = """#!/bin/sh
# dvc --wait-for-lock exp run --temp --name NAME ...
name=$6
copy=.dvc/tmp/exps/standalone/$name.$$
mkdir -p "$copy" ".dvc/tmp/exps/run/$$"
printf '{"name": "%s", "root_dir": "%s"}' "$name" "$PWD/$copy" > ".dvc/tmp/exps/run/$$/$$.run"
case "$name" in
*broken*) echo "Running stage 'prepare':"; echo "data/raw/broken.zip: not an archive"
  echo "ERROR: failed to reproduce 'prepare'"; rm -r "$copy"; exit 1;;
*bad*) echo "Running stage 'train':"; echo "params.yaml: lr: too much"
  echo "ERROR: failed to reproduce 'train'"; rm -r "$copy"; exit 1;;
*full*) echo "Running stage 'prepare':"; echo "digits: 4 images"
  echo "ERROR: unexpected error - [Errno 28] No space left on device"; rm -r "$copy"; exit 1;;
esac
sleep "$PRETEND"
git update-ref "refs/exps/aa/bb/$name" HEAD
echo "$name" >> ended
rm -r "$copy"
"""


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """The repository, made the current folder: root, ended() and run(names, jobs, stop)."""
    root = tmp_path / "repo"
    bin_folder = tmp_path / "bin"
    (root / ".dvc/tmp").mkdir(parents=True)
    bin_folder.mkdir()
    (bin_folder / "dvc").write_text(DVC)
    (bin_folder / "dvc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRETEND", "0.15")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.chdir(root)
    make_repository(root)

    def ended():
        return sorted((root / "ended").read_text().split()) if (root / "ended").exists() else []

    def run(names, jobs, stop, say=lambda line: None):
        return Runner(root, jobs, start, say).run([job_of(name) for name in names], stop)

    return SimpleNamespace(root=root, ended=ended, run=run)
