"""What is to become best: a score on the validation images, or what the model costs; never a score on test images."""

import csv
import io
import statistics
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np

from sightline.common.errors import SightlineError
from sightline.experiments.scores import read_metrics, read_text
from sightline.parameters.prepare import PrepareParams
from sightline.parameters.split import SplitParams
from sightline.parameters.train import TrainParams
from sightline.parameters.whole import WholeParams
from sightline.tuning.settings import Score

SCORES = get_args(Score)
SMALLER_IS_BETTER = {"val/loss", "parameters", "macs", "bytes", "latency_ms"}
MODEL = "models/exported/model.onnx"
CURVES = "plots/train/epochs.csv"
CALLS = 30  # of which the median is the latency


def direction(objective: str) -> str:
    """Return Optuna's word for what is better."""
    return "minimize" if objective in SMALLER_IS_BETTER else "maximize"


def last_stage(objectives: list[str]) -> str:
    """Return the stage up to which a trial runs: what a model costs is known when it is exported."""
    return "train" if set(objectives) <= set(SCORES) else "export"


def keys_read(objectives: list[str]) -> set[str]:
    """Return the keys and sections of params.yaml that change what a trial comes to."""
    stages = (PrepareParams, SplitParams, TrainParams) if last_stage(objectives) == "train" else (WholeParams,)
    return {key for stage in stages for key in stage.model_fields}


def read_value(objective: str, commit: str, root: Path) -> float:
    """Return what a finished experiment came to; of several members the mean."""
    if objective in SCORES:
        return read_score(read_metrics(commit, "train", root), objective)
    if objective == "latency_ms":
        return measure_latency(commit, root)
    metrics = read_metrics(commit, "export", root)
    return float(metrics["artifacts"]["onnx"]["bytes"] if objective == "bytes" else metrics[objective])


def read_score(metrics: dict[str, Any], objective: str) -> float:
    """Return a score of the epoch that is kept, from the content of metrics/train.json."""
    best = metrics.get("best", {})
    subset, _, name = objective.partition("/")
    try:
        return float(best.get("mean", best)[subset][name])
    except KeyError:
        raise SightlineError(f"metrics/train.json: has no {objective}: choose another objective") from None


def count_epochs(commit: str, root: Path) -> int:
    """Return how many epochs an experiment trained, over all its members."""
    rows = csv.DictReader(io.StringIO(read_text(commit, CURVES, root)))
    return sum(row["measure"] == "loss" and row["subset"] == "validation" for row in rows)


def measure_latency(commit: str, root: Path) -> float:
    """Return the milliseconds that one image takes in the exported model, as `time_model`."""
    from dvc.api import DVCFileSystem

    return time_model(DVCFileSystem(str(root), rev=commit).read_bytes(MODEL))


def time_model(content: bytes) -> float:
    """Return the milliseconds of processor time that one image takes in an ONNX model, on one thread of this machine.

    Time that others take of the processor does not count, but what they leave of its caches does.
    """
    from sightline.deployment.runtime import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options)
    taken = session.get_inputs()[0]
    image = np.zeros((1, *taken.shape[1:]), dtype=np.uint8)
    seconds = [_time_call(session, {taken.name: image}) for _ in range(CALLS)]
    return 1000 * statistics.median(seconds)


def _time_call(session: Any, inputs: dict[str, np.ndarray]) -> float:
    begun = time.thread_time()  # the only thread is this one
    session.run(None, inputs)
    return time.thread_time() - begun
