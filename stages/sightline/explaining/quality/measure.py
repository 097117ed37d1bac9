"""Quality of explanations as numbers: faithfulness, dependence on the weights, pointing into given boxes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from sightline.common.seeding import stream_seed
from sightline.explaining.explainer import Case, Explainer
from sightline.explaining.methods.catalogue import explain_each
from sightline.explaining.methods.subject import Subject
from sightline.explaining.quality.faithfulness import area, delete_and_insert, importance_order, shares
from sightline.explaining.quality.pointing import points_inside
from sightline.explaining.quality.sanity import rank_correlation, shuffle_weights

RANDOM = "random_order"  # what faithfulness is to be compared with
KEPT = 0.5  # rank correlation above which maps resemble those of shuffled weights too much


@dataclass(frozen=True)
class Quality:
    """How well maps explain.

    Parameters
    ----------
    metrics : dict
        Method -> name -> number.
    curves : pandas.DataFrame
        Those of `follow_curves`.
    notes : list of str
        What a reader of the metrics must know.
    """

    metrics: dict[str, dict[str, float]]
    curves: pd.DataFrame
    notes: list[str]


def measure_quality(explainer: Explainer, cases: list[Case], steps: int) -> Quality:
    """Measure on cases that do not depend on the model, so that two models' numbers can be compared."""
    if not explainer.methods:
        cases = []
    curves = follow_curves(explainer.subjects, cases, steps, explainer.settings.seed)
    metrics = measure_areas(curves)
    correlations, notes = compare_with_shuffled(explainer, cases) if cases else ({}, [])
    for name, values in (("shuffled_rank_correlation", correlations), ("pointing", measure_pointing(cases))):
        for method, value in values.items():
            metrics[method][name] = value
    return Quality(metrics, curves, notes)


def follow_curves(subjects: list[Subject], cases: list[Case], steps: int, seed: int) -> pd.DataFrame:
    """Return the mean deletion and insertion curves of each method, and of pixels in random order.

    Returns
    -------
    pandas.DataFrame
        Columns method, measure (deletion or insertion), share of pixels, probability; no rows without cases.
    """
    sums: dict[tuple[str, str], np.ndarray] = {}
    for case in tqdm(cases, desc="deletion and insertion", unit="img", disable=None):
        heats = case.maps | {RANDOM: np.zeros(case.image.shape[2:])}
        seeds = stream_seed(seed, "gradcam/order", case.row)
        orders = [importance_order(heat, np.random.default_rng(seeds)) for heat in heats.values()]
        found = delete_and_insert(subjects, case.image, case.target, orders, steps)
        for place, name in enumerate(heats):
            for measure, curves in found.items():
                sums[name, measure] = sums.get((name, measure), 0) + curves[place] / len(cases)
    columns = ["method", "measure", "share", "probability"]
    rows = [
        (name, measure, share, value)
        for (name, measure), curve in sums.items()
        for share, value in zip(shares(steps), curve, strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def measure_areas(curves: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return method -> deletion_auc and insertion_auc, the areas below the mean curves, in [0, 1]."""
    areas: dict[str, dict[str, float]] = {}
    for (name, measure), curve in curves.groupby(["method", "measure"], sort=False):
        areas.setdefault(name, {})[f"{measure}_auc"] = area(curve["probability"].to_numpy())
    return areas


def compare_with_shuffled(explainer: Explainer, cases: list[Case]) -> tuple[dict[str, float], list[str]]:
    """Return each method's mean rank correlation with maps of the network with shuffled weights, and what to note."""
    settings = explainer.settings
    shuffled = [shuffle_weights(subject, settings.seed) for subject in explainer.subjects]
    fixed = sorted({old.architecture for old, new in zip(explainer.subjects, shuffled, strict=True) if new is None})
    if fixed:
        return {}, [f"no shuffled_rank_correlation: {name} has no weights to shuffle" for name in fixed]
    means = {}
    for method in explainer.methods:
        others = explain_each(method, shuffled, ((case.image, case.target) for case in cases), settings)
        bar = tqdm(cases, desc=f"{method}, shuffled weights", unit="img", disable=None)
        correlations = [rank_correlation(case.maps[method], other) for case, other in zip(bar, others, strict=True)]
        means[method] = float(np.mean(correlations))
    notes = [
        f"{method}: maps keep much of their order when the weights are shuffled (rank correlation {value:.2f}), so "
        f"they show the image as much as the model"
        for method, value in means.items()
        if value > KEPT
    ]
    return means, notes


def measure_pointing(cases: list[Case]) -> dict[str, float]:
    """Return each method's share of maps whose highest pixel lies in the box; nothing where no case has a box."""
    boxed = [case for case in cases if case.box is not None]
    if not boxed:
        return {}
    return {
        method: float(np.mean([points_inside(case.maps[method], case.box) for case in boxed]))
        for method in boxed[0].maps
    }
