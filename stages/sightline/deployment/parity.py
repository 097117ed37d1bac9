"""Do the exported files decide as the trained network does? Compared on real images, from their files' bytes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.deployment.formats import Runner

PREDICTIONS_TOLERANCE = 0.01  # of a probability: evaluate may have run on a GPU, whose arithmetic is coarser
FINEST_BOUND = 1e-5  # ten times what float32 leaves
FLIPPED_COLUMNS = ("file", "id", "label", "torch", "exported", "torch_probability", "exported_probability")


@dataclass(frozen=True)
class ParitySet:
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


def choose_parity_set(predictions: pd.DataFrame, probabilities: np.ndarray, alone: bool) -> ParitySet | None:
    """Choose all test images; where there are none, all of validation; where there are none either, None.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns id, row, subset, label.
    probabilities : ndarray
        float32 [rows of `predictions`, classes].
    alone : bool
        Whether one network decides. Of an ensemble, validation images were predicted by only those members, and that
        stack, that were fitted without them.
    """
    for subset in ("test", "val"):
        belongs = (predictions["subset"] == subset).to_numpy()
        if belongs.any():
            images = predictions[belongs]
            by_all = subset == "test" or alone
            evaluated = probabilities[belongs] if by_all else None
            ids = images["id"].tolist()
            return ParitySet(subset, ids, images["row"].to_numpy(), images["label"].to_numpy(), evaluated)
    return None


def predict_all(runners: dict[str, Runner], batches: Iterable[np.ndarray], images: int) -> dict[str, np.ndarray]:
    """Return each runner's probabilities, float32 [images, classes], with one batch of pixels at a time in memory."""
    probabilities: dict[str, list[np.ndarray]] = {name: [] for name in runners}
    with tqdm(total=images, desc="parity", unit="img", disable=None) as bar:
        for batch in batches:
            for name, run in runners.items():
                probabilities[name].append(run(batch))
            bar.update(len(batch))
    return {name: np.concatenate(batches) for name, batches in probabilities.items()}


def compare_probabilities(trained: np.ndarray, exported: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Measure how far two sets of probabilities, float [n, classes], n > 0, lie apart; labels are int [n].

    A decision is the most probable class; one that differs is a flip, however close the two classes are.
    """
    before = trained.argmax(axis=1)
    after = exported.argmax(axis=1)
    return {
        "max_probability_difference": float(np.abs(trained - exported).max()),
        "decision_flips": int((before != after).sum()),
        "accuracy": float((after == labels).mean()),
    }


def bound_difference(difference: float) -> float:
    """Return the power of ten that a difference does not exceed, at least `FINEST_BOUND`; what is not finite stays.

    ONNX Runtime rounds as the processor at hand does, so the difference itself is another on every machine.
    """
    if difference <= FINEST_BOUND:
        return FINEST_BOUND
    return float(f"1e{math.ceil(math.log10(difference))}") if math.isfinite(difference) else difference


def list_flipped(
    name: str, trained: np.ndarray, exported: np.ndarray, compared: ParitySet, classes: list[str]
) -> list[tuple]:
    """Return a row of `FLIPPED_COLUMNS` for each image on which a file decides differently."""
    before = trained.argmax(axis=1)
    after = exported.argmax(axis=1)
    return [
        (
            name,
            compared.ids[image],
            classes[compared.labels[image]],
            classes[before[image]],
            classes[after[image]],
            round(float(trained[image].max()), 6),
            round(float(exported[image].max()), 6),
        )
        for image in np.flatnonzero(before != after)
    ]


def refuse_flips(flips: list[tuple], images: int) -> None:
    """Raise SightlineError, naming the first image, when a file of full precision decides differently from torch."""
    if flips:
        file, image, _, before, after, sure, unsure = flips[0]
        raise SightlineError(
            f"models/exported/{file}: not written: it decides otherwise than torch on {len(flips)} of {images} images, "
            f"first on {image}: torch {before!r} ({sure:.6f}), {file} {after!r} ({unsure:.6f}): "
            "try another `export.opset`"
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
