"""Run a classifier over stored pixels, batch by batch."""

import numpy as np
import torch
from tqdm import tqdm

from sightline.networks.classifier import Classifier
from sightline.networks.parts import Parts


def predict_logits(
    classifier: Classifier, pixels: np.ndarray, rows: np.ndarray, at_once: int, device: torch.device
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
    at_once : int
        Images a forward pass, > 0; fewer where the device has no memory for them.

    Returns
    -------
    torch.Tensor
        float32 [n, classes] on the CPU, in the order of `rows`; [0, 0] without rows, as nothing tells the classes.
    """
    classifier = classifier.to(device)  # not in inference mode: what is moved there can never have gradients
    logits = []

    @torch.inference_mode()
    def predict(part: slice) -> torch.Tensor:
        batch = torch.from_numpy(np.asarray(pixels[rows[part]]))
        return classifier(batch.to(device)).float().cpu()

    with tqdm(total=len(rows), desc="predict", unit="img", disable=None) as bar:
        for scores in Parts(at_once).over(len(rows), predict):
            logits.append(scores)
            bar.update(len(scores))
    return torch.cat(logits) if logits else torch.empty(0, 0)
