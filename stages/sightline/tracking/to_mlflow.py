"""MLflow: a run with its model in the registry, and a run below it for each member of several."""

import os
import re
from io import BytesIO
from pathlib import Path

import mlflow
import numpy as np
import onnx
from mlflow import MlflowClient
from PIL import Image

from sightline.tracking.record import MemberRecord, Record

PROJECT = "sightline"  # MLflow's experiment, which is a set of runs, and the registered model
NAME = "sightline_run"  # the tag by which an earlier run of the same name is found
BINS = 64
LONGEST = 500  # characters of a parameter, which every store takes


def write_mlflow(record: Record, folder: Path) -> str:
    """Write a run in place of an earlier one of its name; return the command that shows it.

    The store is SQLite in the folder, or what MLFLOW_TRACKING_URI names.
    """
    own = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
    address = os.environ.get("MLFLOW_TRACKING_URI", own)
    mlflow.set_tracking_uri(address)
    client = MlflowClient()
    experiment = open_experiment(client, (folder / "artifacts").resolve().as_uri() if address == own else None)
    remove_earlier(client, experiment, record.name)
    tags = {NAME: record.name, "revision": record.revision}
    with mlflow.start_run(experiment_id=experiment, run_name=record.name, tags=tags):
        mlflow.log_params({name: str(value)[:LONGEST] for name, value in record.params.items()})
        mlflow.log_metrics({legal(name): value for name, value in record.results.items()})
        for name, content in record.pictures.items():
            mlflow.log_image(Image.open(BytesIO(content)), f"{name}.png")
        if record.exported:
            log_model(record.exported)
        if len(record.members) == 1:
            log_member(record.members[0])
        else:
            for member in record.members:
                with mlflow.start_run(experiment_id=experiment, run_name=member.name, tags=tags, nested=True):
                    log_member(member)
    return f"mlflow ui --backend-store-uri {address}"


def open_experiment(client: MlflowClient, artifacts: str | None) -> str:
    """Return the number of the set of runs, which is made where there is none."""
    experiment = client.get_experiment_by_name(PROJECT)
    return experiment.experiment_id if experiment else client.create_experiment(PROJECT, artifacts)


def remove_earlier(client: MlflowClient, experiment: str, name: str) -> None:
    """Remove earlier runs of the same name, and what they have in the registry."""
    for run in client.search_runs([experiment], f"tags.{NAME} = '{name}'"):
        for version in client.search_model_versions(f"run_id = '{run.info.run_id}'"):
            client.delete_model_version(version.name, version.version)
        client.delete_run(run.info.run_id)


def log_model(exported: Path) -> None:
    """Log all exported files, and register model.onnx, which `mlflow.pyfunc.load_model` runs."""
    mlflow.log_artifacts(str(exported), "exported")
    model = onnx.load(exported / "model.onnx")
    mlflow.onnx.log_model(
        model,
        name="model",
        registered_model_name=PROJECT,
        pip_requirements=["onnx", "onnxruntime"],  # else MLflow runs the model to find out
        onnx_execution_providers=["CPUExecutionProvider"],
    )


def log_member(member: MemberRecord) -> None:
    """Log the scores of each epoch, and histograms of weights and gradients as JSON, as MLflow draws none."""
    for epoch, scores in member.epochs.items():
        mlflow.log_metrics(scores, step=epoch)
    histograms = {}
    for spread in member.spreads:
        counts, edges = np.histogram(spread.values, BINS)
        histograms[spread.name] = {"counts": counts.tolist(), "edges": edges.tolist()}
    if histograms:
        mlflow.log_dict(histograms, "histograms.json")


def legal(name: str) -> str:
    """Return a metric's name in the letters that MLflow takes."""
    return re.sub(r"[^\w\-. /]", "_", name)
