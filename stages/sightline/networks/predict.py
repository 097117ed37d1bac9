"""Run a classifier over stored pixels, batch by batch."""

import numpy as np
import torch
from tqdm import tqdm

from sightline.networks.classifier import Classifier


@torch.inference_mode()
def predict_logits(
    classifier: Classifier, pixels: np.ndarray, rows: np.ndarray, batch_size: int, device: torch.device
) -> torch.Tensor:
    """Return the logits of chosen images; only one batch of pixels is in memory at a time.

    A progress bar shows on terminals.

    Parameters
    ----------
    classifier : Classifier
        In evaluation mode; it is moved to `device` and stays there.
    pixels : ndarray
        uint8 [N, H, W, 3], usually mapped into memory.
    rows : ndarray
        int [n], positions in `pixels`; ascending ones read the file in order.
    batch_size : int
        Images a forward pass, > 0.

    Returns
    -------
    torch.Tensor
        float32 [n, classes] on the CPU, in the order of `rows`; [0, 0] without rows, as nothing tells the classes.
    """
    classifier = classifier.to(device)
    logits = []
    with tqdm(total=len(rows), desc="predict", unit="img", disable=None) as bar:
        for start in range(0, len(rows), batch_size):
            batch = torch.from_numpy(np.asarray(pixels[rows[start : start + batch_size]]))
            logits.append(classifier(batch.to(device)).float().cpu())
            bar.update(len(batch))
    return torch.cat(logits) if logits else torch.empty(0, 0)
