"""The tables of data/predictions: every prediction, the slices and the doubtful labels, whole."""

import numpy as np
import pandas as pd

from sightline.scoring.findings import Findings


def tabulate_records(
    judged: pd.DataFrame, probabilities: np.ndarray, findings: Findings, classes: list[str], least: float
) -> dict[str, pd.DataFrame]:
    """Return the tables by file name; an image whose confidence is below `least` counts as undecided."""
    named = {column: findings.issues[column].map(dict(enumerate(classes))) for column in ("label", "suggested")}
    return {
        "predictions": tabulate_predictions(judged, probabilities, least),
        "label_issues": findings.issues.assign(**named),
        "slices": findings.slices,
    }


def tabulate_predictions(judged: pd.DataFrame, probabilities: np.ndarray, least: float) -> pd.DataFrame:
    """Return one row a judged image: id, row in images.npy, subset, label, predicted, confidence, decided (0 or 1)."""
    confidence = probabilities.max(axis=1)
    decision = {"predicted": probabilities.argmax(axis=1), "confidence": confidence}
    decided = (confidence >= least).astype(int)
    return judged[["id", "row", "subset", "label"]].assign(**decision, decided=decided)
