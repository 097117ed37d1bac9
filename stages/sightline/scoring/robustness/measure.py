"""How the accuracy falls when images are corrupted, attacked, or show something else; on a part of the test images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch

from sightline.common.seeding import stream_seed
from sightline.networks.decider import Decider
from sightline.networks.memory import images_at_once
from sightline.networks.parts import Parts
from sightline.networks.predict import predict_logits
from sightline.scoring.robustness.attacks import ATTACKS, Score, score_with
from sightline.scoring.robustness.corruptions import STRENGTHS, corrupt

Decide = Callable[[np.ndarray], np.ndarray]  # pixels uint8 [n, H, W, 3] -> predicted int [n]
COLUMNS = ["severity", "accuracy", "curve"]
UNCHANGED = "unchanged; for more set evaluate.corruptions"
FIFTHS = 5  # of the largest change: as many attacks as corruptions have severities


@dataclass(frozen=True)
class AttackSettings:
    """Largest change of a value, in [0, 1], and how many steps pgd goes; MiB a batch, and where they are changed."""

    epsilon: float
    steps: int
    memory_mb: int
    device: torch.device


def decide_with(decider: Decider, at_once: int, device: torch.device) -> Decide:
    """Return a function that gives the decisions, int [n], for pixels uint8 [n, H, W, 3]."""

    def decide(pixels: np.ndarray) -> np.ndarray:
        scores = predict_logits(decider, pixels, np.arange(len(pixels)), at_once, device)
        return scores.argmax(dim=1).numpy()

    return decide


def tabulate_unchanged(right: np.ndarray) -> pd.DataFrame:
    """Return a table as of `measure_corruptions` with the accuracy of unchanged images; right is bool [n].

    A chart is drawn in any case: DVC has no plots that are there only for some parameters.
    """
    rows = [(0, float(right.mean()), UNCHANGED)] if len(right) else []
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_corruptions(
    decide: Decide, pixels: np.ndarray, labels: np.ndarray, names: list[str], seed: int
) -> pd.DataFrame:
    """Measure each corruption at each severity.

    Parameters
    ----------
    decide : Decide
        The model.
    pixels, labels : ndarray
        uint8 [n, H, W, 3], n > 0, and int [n].
    names : list of str
        Of corruptions.

    Returns
    -------
    pandas.DataFrame
        severity (0: as they are), accuracy, curve (the corruption).
    """
    rows = []
    clean = float((decide(pixels) == labels).mean())
    for name in names:
        rows.append((0, clean, name))
        for severity in range(1, len(STRENGTHS[name]) + 1):
            seeds = [stream_seed(seed, f"corruption {name}", severity, place) for place in range(len(pixels))]
            changed = [corrupt(image, name, severity, noise) for image, noise in zip(pixels, seeds, strict=True)]
            rows.append((severity, float((decide(np.stack(changed)) == labels).mean()), name))
    return pd.DataFrame(rows, columns=COLUMNS)


def summarize_corruptions(table: pd.DataFrame) -> dict[str, float]:
    """Return the mean accuracy over the severities of each corruption, and over all of them."""
    means = table[table["severity"] > 0].groupby("curve")["accuracy"].mean()
    metrics = {name: float(value) for name, value in means.items()}
    if metrics:
        metrics["mean"] = float(means.mean())
    return metrics


def measure_attacks(
    decider: Decider, pixels: np.ndarray, labels: np.ndarray, names: list[str], settings: AttackSettings, seed: int
) -> pd.DataFrame:
    """Measure each attack with each fifth of its largest change.

    The attack sees the members without views and calibration. Arguments and columns as in `measure_corruptions`;
    severity 5 is the whole epsilon.
    """
    members = [view.classifier for view in decider.to(settings.device).members]
    score = score_with(members, decider.stack)
    parts = Parts(images_at_once(decider, pixels.shape[1], settings.memory_mb, backward=True))

    def count_right(attack: Callable | None, part: slice) -> int:
        images = members[0].scale(torch.from_numpy(pixels[part]).to(settings.device))
        return _count_right(score, attack, images, torch.from_numpy(labels[part]).to(settings.device))

    rows = []
    for name in names:
        for severity in range(FIFTHS + 1):
            stream = torch.Generator().manual_seed(stream_seed(seed, name))
            reach = settings.epsilon * severity / FIFTHS
            attack = partial(ATTACKS[name], score, epsilon=reach, steps=settings.steps, stream=stream)
            right = sum(parts.over(len(pixels), partial(count_right, attack if severity else None)))
            rows.append((severity, right / len(pixels), name))
    return pd.DataFrame(rows, columns=COLUMNS)


def summarize_attacks(table: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy under each attack with its whole epsilon."""
    whole = table[table["severity"] == FIFTHS]
    return {name: float(value) for name, value in zip(whole["curve"], whole["accuracy"], strict=True)}


def _count_right(score: Score, attack: Callable | None, images: torch.Tensor, truth: torch.Tensor) -> int:
    """Count the images that are decided rightly after the attack, or as they are where there is none."""
    attacked = attack(images, truth) if attack else images
    with torch.no_grad():
        return int((score(attacked).argmax(dim=1) == truth).sum())
