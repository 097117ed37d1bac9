import json

import numpy as np
import pytest

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install -r requirements-trackers.txt")
pytestmark = pytest.mark.slow  # the first run of a store makes its tables: 4 s


@pytest.fixture
def write(tmp_path, monkeypatch):
    from sightline.tracking.to_mlflow import write_mlflow

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return lambda record: write_mlflow(record, tmp_path)


def runs():
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("sightline").experiment_id
    return client, {run.info.run_name: run for run in client.search_runs([experiment])}


def test_the_registry_gives_back_a_model_that_predicts_the_same_and_a_run_replaces_the_earlier_one(write, record):
    write(record())
    write(record(accuracy=0.75))
    client, found = runs()
    assert list(found) == ["slower"]
    run = found["slower"]
    assert run.data.params == {"lr": "0.1", "model": "simple_cnn", "export.formats": "['pt2']"}
    assert run.data.metrics["evaluate/test.accuracy"] == 0.75
    history = client.get_metric_history(run.info.run_id, "val/accuracy")
    assert [(point.step, point.value) for point in history] == [(0, 0.25), (1, 0.75)]
    (version,) = client.search_model_versions("name = 'sightline'")
    assert version.run_id == run.info.run_id
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    predicted = mlflow.pyfunc.load_model(f"models:/sightline/{version.version}").predict(pixels)
    assert predicted["probabilities"] == pytest.approx(pixels.mean(axis=(1, 2)), rel=1e-6)
    counts = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/histograms.json"))
    assert sum(counts["weights_best/head.weight"]["counts"]) == 3
    names = {file.path for file in client.list_artifacts(run.info.run_id, "exported")}
    assert names == {"exported/model.onnx", "exported/MODEL_CARD.md"}
    assert mlflow.artifacts.load_image(f"{run.info.artifact_uri}/evaluate/confusion.png").size == (4, 4)


def test_members_are_runs_below_the_run(write, record):
    write(record(members=2))
    _, found = runs()
    parent = found["slower"].info.run_id
    assert sorted(found) == ["fold_0", "fold_1", "slower"]
    assert found["fold_1"].data.tags["mlflow.parentRunId"] == parent
    assert (found["fold_1"].data.metrics["train/loss"], "train/loss" in found["slower"].data.metrics) == (1.0, False)
