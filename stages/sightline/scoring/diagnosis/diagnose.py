"""Why the network errs, as far as images and labels tell: weak slices, doubtful labels, test images that leaked."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sightline.scoring.diagnosis.label_issues import LookedAt, summarize_issues, tabulate_issues
from sightline.scoring.diagnosis.leakage import find_seen, summarize_leakage
from sightline.scoring.diagnosis.slices import describe_images, measure_slices, summarize_slices


@dataclass(frozen=True)
class Findings:
    """Tables `slices` and `issues`, as `measure_slices` and `tabulate_issues` make them, and the metrics of all."""

    slices: pd.DataFrame
    issues: pd.DataFrame
    metrics: dict


def find_causes(
    right: np.ndarray, looked_at: list[LookedAt], described: pd.DataFrame, near_bits: int, confidence: float
) -> Findings:
    """Look at where and why predictions are wrong.

    Parameters
    ----------
    right : ndarray
        bool [test images], in order: whether the prediction is right.
    looked_at : list of (pandas.DataFrame, ndarray)
        Images and their probabilities, as `tabulate_issues` takes them: the judged ones, and training images.
    described : pandas.DataFrame
        All images that take part, in order, with their subset and what index.csv tells of them.
    near_bits : int
        Largest distance of near duplicates.
    confidence : float
        Of the intervals of slices.
    """
    slices = measure_slices(describe_images(described[described["subset"] == "test"]), right, confidence)
    issues = tabulate_issues(looked_at, described)
    metrics = summarize_slices(slices) | summarize_issues(issues, looked_at)
    metrics |= summarize_leakage(find_seen(described, near_bits), right)
    return Findings(slices, issues, metrics)
