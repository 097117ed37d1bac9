"""How the accuracy falls when images are corrupted, attacked, or show something else; on a part of the test images."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from sightline.common.seeding import stream_seed
from sightline.networks.decider import Decider
from sightline.networks.predict import predict_logits
from sightline.scoring.attacks import ATTACKS, have_gradients, score_with
from sightline.scoring.corruptions import STRENGTHS, corrupt

Decide = Callable[[np.ndarray], np.ndarray]  # pixels uint8 [n, H, W, 3] -> predicted int [n]
COLUMNS = ["severity", "accuracy", "curve"]


def decide_with(decider: Decider, batch_size: int, device: torch.device) -> Decide:
    """Return a function that gives the decisions, int [n], for pixels uint8 [n, H, W, 3]."""

    def decide(pixels: np.ndarray) -> np.ndarray:
        scores = predict_logits(decider, pixels, np.arange(len(pixels)), batch_size, device)
        return scores.argmax(dim=1).numpy()

    return decide


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
        Of corruptions; none: nothing is measured.

    Returns
    -------
    pandas.DataFrame
        severity (0: as they are), accuracy, curve (the corruption).
    """
    rows = []
    clean = float((decide(pixels) == labels).mean()) if names else 0.0
    for name in names:
        rows.append((0, clean, name))
        for severity in range(1, len(STRENGTHS[name]) + 1):
            seeds = [stream_seed(seed, f"corruption {name}", severity, place) for place in range(len(pixels))]
            changed = [corrupt(image, name, severity, own) for image, own in zip(pixels, seeds, strict=True)]
            rows.append((severity, float((decide(np.stack(changed)) == labels).mean()), name))
    return pd.DataFrame(rows, columns=COLUMNS)


def summarize_corruptions(table: pd.DataFrame) -> dict[str, float]:
    """Return the mean accuracy over the severities of each corruption, and over all of them."""
    means = table[table["severity"] > 0].groupby("curve")["accuracy"].mean()
    found = {name: float(value) for name, value in means.items()}
    return found | ({"mean": float(means.mean())} if found else {})


def measure_attacks(
    decider: Decider, pixels: np.ndarray, labels: np.ndarray, names: list[str], how: dict, seed: int
) -> dict[str, float]:
    """Return the accuracy under each attack; nothing for a model that has no gradient.

    The attack sees the members without views and calibration. Arguments as in `measure_corruptions`; `how` holds
    epsilon (in [0, 1]), steps, batch_size and device.
    """
    members = [view.classifier for view in decider.to(how["device"]).members]
    if not have_gradients(members):
        return {}
    score, found = score_with(members, decider.stack), {}
    for name in names:
        stream, right = torch.Generator().manual_seed(stream_seed(seed, name)), 0
        for start in range(0, len(pixels), how["batch_size"]):
            batch = slice(start, start + how["batch_size"])
            images = members[0].scale(torch.from_numpy(pixels[batch]).to(how["device"]))
            truth = torch.from_numpy(labels[batch]).to(how["device"])
            attacked = ATTACKS[name](score, images, truth, how["epsilon"], how["steps"], stream)
            with torch.no_grad():
                right += int((score(attacked).argmax(dim=1) == truth).sum())
        found[name] = right / len(pixels)
    return found
