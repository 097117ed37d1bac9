"""All that is measured only when asked for: corruptions, attacks, images of something else."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly
from sightline.common.seeding import stream_seed
from sightline.images.store import DatasetSpec
from sightline.networks.decider import Decider
from sightline.networks.memory import images_at_once
from sightline.networks.predict import predict_logits
from sightline.scoring.robustness.attacks import have_gradients
from sightline.scoring.robustness.measure import (
    AttackSettings,
    decide_with,
    measure_attacks,
    measure_corruptions,
    summarize_attacks,
    summarize_corruptions,
    tabulate_unchanged,
)
from sightline.scoring.robustness.ood import OutlierScores, measure_outliers, read_ood_images

OOD = Path("data/ood")  # a dependency of evaluate in dvc.yaml: what lies elsewhere would escape DVC's notice


@dataclass(frozen=True)
class Stress:
    """What to measure: names of corruptions and attacks, a path below data/ood or "", on how many images, and how."""

    corruptions: list[str]
    attacks: list[str]
    epsilon: float
    steps: int
    ood: str
    images: int
    memory_mb: int
    device: torch.device
    seed: int


@dataclass(frozen=True)
class StressResults:
    """What was measured.

    Parameters
    ----------
    metrics : dict
        Of corruptions, attacks and ood.
    table : pandas.DataFrame
        Accuracy at each severity, to draw; of the unchanged images alone where nothing else was measured.
    notes : dict of str to str
        What could not be measured, and why.
    """

    metrics: dict
    table: pd.DataFrame
    notes: dict[str, str]


def stress_test(
    decider: Decider, test: pd.DataFrame, pixels: np.ndarray, dataset: DatasetSpec, stress: Stress
) -> StressResults:
    """Measure what `stress` asks for on a part of the test images.

    Parameters
    ----------
    decider : Decider
        The whole model, in evaluation mode.
    test : pandas.DataFrame
        One row a test image: row (position in images.npy), label, predicted.
    pixels : ndarray
        uint8 [N, H, W, 3], images.npy.
    dataset : DatasetSpec
        How pixels are made.
    """
    unchanged = tabulate_unchanged((test["label"] == test["predicted"]).to_numpy())
    if not (stress.corruptions or stress.attacks or stress.ood):
        return StressResults({}, unchanged, {})
    if test.empty:
        return StressResults({}, unchanged, {"robustness": "no test images, hence not measured"})
    sample = evenly(len(test), stress.images)
    images = np.asarray(pixels[test["row"].to_numpy()[sample]])
    labels = test["label"].to_numpy()[sample]
    metrics = {}
    tables = []
    notes = {}
    if stress.corruptions:
        at_once = images_at_once(decider, images.shape[1], stress.memory_mb)
        decide = decide_with(decider, at_once, stress.device)
        tables.append(measure_corruptions(decide, images, labels, stress.corruptions, stress.seed))
        metrics["corruptions"] = _of_unchanged(tables[-1], len(images)) | summarize_corruptions(tables[-1])
    if stress.attacks and not have_gradients(decider):
        notes["attacks"] = "the model's scores have no gradient, hence not attacked"
    elif stress.attacks:
        tables.append(_attack(decider, images, labels, stress))
        attacked = {"epsilon": round(255 * stress.epsilon, 6)} | summarize_attacks(tables[-1])
        metrics["attacks"] = _of_unchanged(tables[-1], len(images)) | attacked
    if stress.ood:
        metrics["ood"] = _measure_ood(decider, images, dataset, stress)
    return StressResults(metrics, pd.concat(tables, ignore_index=True) if tables else unchanged, notes)


def _of_unchanged(table: pd.DataFrame, images: int) -> dict[str, float]:
    return {"images": images, "unchanged": float(table.loc[table["severity"] == 0, "accuracy"].iloc[0])}


def _attack(decider: Decider, images: np.ndarray, labels: np.ndarray, stress: Stress) -> pd.DataFrame:
    settings = AttackSettings(stress.epsilon, stress.steps, stress.memory_mb, stress.device)
    return measure_attacks(decider, images, labels, stress.attacks, settings, stream_seed(stress.seed, "attacks"))


def _measure_ood(decider: Decider, images: np.ndarray, dataset: DatasetSpec, stress: Stress) -> dict[str, float]:
    path = Path(stress.ood)
    if ".." in path.parts or path.parts[:2] != OOD.parts or len(path.parts) < 3:
        raise SightlineError(f"params.yaml: evaluate.ood: {stress.ood!r} must be a path below {OOD}, or empty")
    outside = read_ood_images(path, OOD, dataset.preprocessing, stress.images)
    scores = OutlierScores(decider)
    at_once = images_at_once(scores, images.shape[1], stress.memory_mb)
    test_scores, outside_scores = (
        predict_logits(scores, pixels, np.arange(len(pixels)), at_once, stress.device).numpy()
        for pixels in (images, outside)
    )
    return measure_outliers(test_scores, outside_scores)
