"""Does the exported graph decide as the trained network does? Compared on stored pixels of real images."""

from dataclasses import dataclass

import numpy as np
import onnxruntime
import pandas as pd
import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.deployment.graph import INPUT, OUTPUT
from sightline.networks.classifier import Ensemble, mean_log_probabilities, temper
from sightline.networks.predict import predict_logits

PREDICTIONS_TOLERANCE = 0.01  # of a probability: evaluate may have run on a GPU, whose arithmetic is coarser


@dataclass(frozen=True)
class Judged:
    """The images to compare on.

    Parameters
    ----------
    subset : str
        test or val.
    ids : list of str
        Their names.
    rows, labels : ndarray
        int [n], n > 0: positions in images.npy, and true classes.
    evaluated : ndarray or None
        float32 [n, classes], the ensemble's probabilities as evaluate found them; None where it used single members.
    """

    subset: str
    ids: list[str]
    rows: np.ndarray
    labels: np.ndarray
    evaluated: np.ndarray | None


def choose_judged(predictions: pd.DataFrame, probabilities: np.ndarray, members: int) -> Judged | None:
    """Choose all test images; where there are none, all of validation; where there are none either, None.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns id, row, subset, label.
    probabilities : ndarray
        float32 [rows of `predictions`, classes].
    members : int
        Of the ensemble: with several, validation images were predicted by only those that did not train on them.
    """
    for subset in ("test", "val"):
        chosen = (predictions["subset"] == subset).to_numpy()
        if chosen.any():
            found = predictions[chosen]
            by_all = subset == "test" or members == 1
            evaluated = probabilities[chosen] if by_all else None
            return Judged(subset, found["id"].tolist(), found["row"].to_numpy(), found["label"].to_numpy(), evaluated)
    return None


def check_parity(
    ensemble: Ensemble, graph: bytes, pixels: np.ndarray, judged: Judged, classes: list[str], batch_size: int
) -> dict:
    """Compare torch with ONNX Runtime on the CPU, and torch with what evaluate found.

    Returns
    -------
    dict
        That of `compare`, and the subset.

    Raises
    ------
    SightlineError
        A decision differs, or the predictions belong to another model.
    """
    trained = predict_torch(ensemble, pixels, judged.rows, batch_size)
    if judged.evaluated is not None:
        refuse_other_model(judged.evaluated, trained, judged.ids)
    exported = predict_onnx(graph, pixels, judged.rows, batch_size)
    refuse_flips(trained, exported, judged.ids, classes)
    return {"subset": judged.subset} | compare(trained, exported, judged.labels)


def predict_torch(ensemble: Ensemble, pixels: np.ndarray, rows: np.ndarray, batch_size: int) -> np.ndarray:
    """Return an ensemble's probabilities, float32 [n, classes], n > 0, computed by torch on the CPU."""
    cpu = torch.device("cpu")
    logits = [predict_logits(member, pixels, rows, batch_size, cpu) for member in ensemble.members]
    return temper(mean_log_probabilities(logits), ensemble.temperature).exp().numpy()


def predict_onnx(graph: bytes, pixels: np.ndarray, rows: np.ndarray, batch_size: int) -> np.ndarray:
    """Return a graph's probabilities, float32 [n, classes], n > 0, computed by ONNX Runtime on the CPU.

    Parameters
    ----------
    graph : bytes
        From `sightline.deployment.graph.build_graph`.
    pixels : ndarray
        uint8 [N, H, W, 3], usually mapped into memory.
    rows : ndarray
        int [n], positions in `pixels`.
    batch_size : int
        Images a run, > 0.
    """
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    found = []
    with tqdm(total=len(rows), desc="onnxruntime", unit="img", disable=None) as bar:
        for start in range(0, len(rows), batch_size):
            batch = np.ascontiguousarray(pixels[rows[start : start + batch_size]])
            found += session.run([OUTPUT], {INPUT: batch})
            bar.update(len(batch))
    return np.concatenate(found)


def compare(trained: np.ndarray, exported: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Measure how far two sets of probabilities, float [n, classes], n > 0, lie apart; labels are int [n].

    A decision is the most probable class; one that differs is a flip, however close the two classes are.
    """
    before, after = trained.argmax(axis=1), exported.argmax(axis=1)
    return {
        "images": len(labels),
        "max_probability_difference": float(np.abs(trained - exported).max()),
        "decision_flips": int((before != after).sum()),
        "accuracy_torch": float((before == labels).mean()),
        "accuracy_onnx": float((after == labels).mean()),
    }


def refuse_flips(trained: np.ndarray, exported: np.ndarray, ids: list[str], classes: list[str]) -> None:
    """Raise SightlineError, naming the first image, when torch and ONNX Runtime decide differently."""
    flipped = np.flatnonzero(trained.argmax(axis=1) != exported.argmax(axis=1))
    if len(flipped):
        first = flipped[0]
        raise SightlineError(
            f"models/exported/model.onnx: not written: it decides otherwise than torch on {len(flipped)} of {len(ids)} "
            f"images, first on {ids[first]}: torch {_decision(trained[first], classes)}, ONNX Runtime "
            f"{_decision(exported[first], classes)}: try another `export.opset`"
        )


def refuse_other_model(evaluated: np.ndarray, trained: np.ndarray, ids: list[str]) -> None:
    """Raise SightlineError when the probabilities that evaluate wrote, [n, classes], are not those of this model."""
    if evaluated.shape[1] != trained.shape[1]:
        raise SightlineError(
            f"data/predictions/probabilities.npy: has {evaluated.shape[1]} classes, but models/trained has "
            f"{trained.shape[1]}: run `dvc repro evaluate`"
        )
    distance = np.abs(evaluated - trained).max(axis=1)
    worst = int(distance.argmax())
    if not distance[worst] <= PREDICTIONS_TOLERANCE:
        raise SightlineError(
            f"data/predictions/probabilities.npy: differs by {distance[worst]:.3f} from what models/trained gives for "
            f"{ids[worst]}: it belongs to another model: run `dvc repro evaluate`"
        )


def _decision(probabilities: np.ndarray, classes: list[str]) -> str:
    best = int(probabilities.argmax())
    return f"{classes[best]!r} ({probabilities[best]:.6f})"
