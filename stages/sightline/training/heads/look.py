"""What a classifier sees in stored images, as heads are fitted on."""

import numpy as np
import torch
from tqdm import tqdm

from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once
from sightline.training.recipe.head import read_features


def look_at(
    classifier: Classifier, pixels: np.ndarray, rows: np.ndarray, memory_mb: int, device: torch.device
) -> np.ndarray:
    """Return what its last layer gets of images, float32 [rows, features]; a progress bar shows on terminals.

    Parameters
    ----------
    pixels : ndarray of uint8 [N, H, W, C]
        Usually mapped into memory.
    rows : ndarray of int
        Positions in `pixels`; ascending ones read the file in order.
    """
    at_once = images_at_once(classifier.to(device), pixels.shape[1], memory_mb)
    parts = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
    batches = (torch.from_numpy(np.asarray(pixels[part])).to(device) for part in parts)
    shown = tqdm(batches, total=len(parts), desc="features", unit="batch", disable=None)
    return read_features(classifier, shown, len(rows))
