"""Results are read from an experiment's commit; one that cannot be ranked is told and stops no other."""

import json

import pytest

from sightline.sweeping import results
from sightline.sweeping.journal import Run
from sightline.sweeping.results import Reader
from sweep_repo import add_experiment, git, job_of, make_repository

SUBSET = {"accuracy": 0.75, "images": 4, "f1_macro": 0.7, "ece": 0.1}
EXPORT = {"parameters": 10, "macs": 20, "artifacts": {"onnx": {"bytes": 300}}}


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Read experiments of a repository whose cache has the model of the first one alone."""
    make_repository(tmp_path)
    monkeypatch.setattr(results, "Revision", lambda commit: Stored())
    monkeypatch.setattr(results.Clock, "measure", lambda self, content, sha256: 2.5)
    return Reader(tmp_path, [Run("a-x-s0-1", "a", "x", 60.0)], 0.95)


class Stored:
    def read(self, path):
        assert path == "models/exported/model.onnx"
        return b"model"


def add(root, name, evaluation):
    for stage, content in (("evaluate", evaluation), ("export", EXPORT)):
        (root / "metrics").mkdir(exist_ok=True)
        (root / f"metrics/{stage}.json").write_text(json.dumps(content))
    git(root, "add", "metrics")
    return add_experiment(root, name, age=1, tree=git(root, "write-tree"))


def test_a_result_has_scores_with_wilsons_interval_costs_and_times(reader, tmp_path):
    commit = add(tmp_path, "a-x-s0-1", {"val": SUBSET, "test": SUBSET | {"accuracy": 0.5}})
    (found,), complaints = reader.read_all([job_of("a-x-s0-1"), job_of("a-y-s0-1")])
    assert complaints == []
    assert (found.commit, found.val.accuracy, found.test.accuracy) == (commit, 0.75, 0.5)
    assert (found.val.low, found.val.high) == pytest.approx((0.3006, 0.9544), abs=1e-4)  # 3 of 4, by Wilson
    assert (found.costs.parameters, found.costs.macs, found.costs.size) == (10, 20, 300)
    assert (found.latency, found.seconds) == (2.5, 60.0)
    assert found.file.sha256 == "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"


def test_one_without_validation_images_is_told_and_left_out(reader, tmp_path):
    add(tmp_path, "a-x-s0-1", {"val": SUBSET, "test": SUBSET})
    add(tmp_path, "a-y-s0-1", {"test": SUBSET})
    found, complaints = reader.read_all([job_of("a-y-s0-1"), job_of("a-x-s0-1")])
    assert [result.cell.model for result in found] == ["x"]
    assert complaints == ["cannot rank: a-y-s0-1: its metrics have no 'val': a sweep needs validation and test images"]
