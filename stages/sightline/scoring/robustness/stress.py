"""All that is measured only when asked for: corruptions, attacks, images of something else."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly
from sightline.common.seeding import stream_seed
from sightline.images.decode import Decoding
from sightline.images.store import DatasetSpec
from sightline.images.unlabelled import MOST_PIXELS
from sightline.networks.decider import Decider
from sightline.networks.predict import predict_logits
from sightline.scoring.predictions import Scored
from sightline.scoring.robustness.attacks import have_gradients
from sightline.scoring.robustness.measure import (
    decide_with,
    measure_attacks,
    measure_corruptions,
    summarize_attacks,
    summarize_corruptions,
    tabulate_unchanged,
)
from sightline.scoring.robustness.ood import OutlierScores, measure_outliers, read_outside

OUTSIDE = Path("data/ood")  # a dependency of evaluate in dvc.yaml: what lies elsewhere would escape DVC's notice


@dataclass(frozen=True)
class Stress:
    """What to measure: names of corruptions and attacks, a path below data/ood or "", on how many images, and how."""

    corruptions: list[str]
    attacks: list[str]
    epsilon: float
    steps: int
    ood: str
    images: int
    batch_size: int
    device: torch.device
    seed: int


def stress_test(
    decider: Decider, test: Scored, pixels: np.ndarray, dataset: DatasetSpec, stress: Stress
) -> tuple[dict, pd.DataFrame, dict[str, str]]:
    """Measure what `stress` asks for on a part of the test images.

    Parameters
    ----------
    decider : Decider
        The whole model, in evaluation mode.
    pixels : ndarray
        uint8 [N, H, W, 3], images.npy.
    dataset : DatasetSpec
        How pixels are made.

    Returns
    -------
    dict
        Metrics: corruptions, attacks, ood.
    pandas.DataFrame
        Accuracy at each severity, to draw; of the unchanged images alone where nothing else was measured.
    dict of str to str
        What could not be measured, and why.
    """
    chosen = evenly(len(test), stress.images)
    metrics, notes, table = {}, {}, tabulate_unchanged(test.right)
    if not (stress.corruptions or stress.attacks or stress.ood):
        return metrics, table, notes
    if not len(chosen):
        return metrics, table, {"robustness": "no test images, hence not measured"}
    part, labels = np.asarray(pixels[test.images["row"].to_numpy()[chosen]]), test.labels[chosen]
    tables = []
    if stress.corruptions:
        decide = decide_with(decider, stress.batch_size, stress.device)
        tables.append(measure_corruptions(decide, part, labels, stress.corruptions, stress.seed))
        metrics["corruptions"] = {"images": len(chosen)} | summarize_corruptions(tables[-1])
    if stress.attacks and not have_gradients(decider):
        notes["attacks"] = "the model's scores have no gradient, hence not attacked"
    elif stress.attacks:
        tables.append(_attack(decider, part, labels, stress))
        metrics["attacks"] = {"images": len(chosen)} | summarize_attacks(tables[-1])
    if stress.ood:
        metrics["ood"] = _measure_outside(decider, part, dataset, stress)
    return metrics, pd.concat(tables, ignore_index=True) if tables else table, notes


def _attack(decider: Decider, part: np.ndarray, labels: np.ndarray, stress: Stress) -> pd.DataFrame:
    how = {"epsilon": stress.epsilon, "steps": stress.steps, "batch_size": stress.batch_size, "device": stress.device}
    return measure_attacks(decider, part, labels, stress.attacks, how, stream_seed(stress.seed, "attacks"))


def _measure_outside(decider: Decider, part: np.ndarray, dataset: DatasetSpec, stress: Stress) -> dict[str, float]:
    path = Path(stress.ood)
    if ".." in path.parts or path.parts[:2] != OUTSIDE.parts or len(path.parts) < 3:
        raise SightlineError(f"params.yaml: evaluate.ood: {stress.ood!r} must be a path below {OUTSIDE}, or empty")
    how = Decoding(dataset.image_size, dataset.fit, dataset.resample, tuple(dataset.background), MOST_PIXELS)
    outside, scores = read_outside(path, how, stress.images), OutlierScores(decider)
    found = [
        predict_logits(scores, images, np.arange(len(images)), stress.batch_size, stress.device).numpy()
        for images in (part, outside)
    ]
    return measure_outliers(*found)
