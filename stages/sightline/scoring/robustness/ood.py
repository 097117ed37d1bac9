"""Images that show none of the classes: how well they can be told from test images."""

from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn

from sightline.common.errors import SightlineError
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.unlabelled import gather_images
from sightline.networks.decider import Decider

SCORES = ("max_probability", "energy")
RECOGNISED = 0.95  # share of test images that are recognised as such where the false positive rate is read


class OutlierScores(nn.Module):
    """Scores that are high for images like those of training: uint8 [N, H, W, 3] in, float [N, 2] out.

    The largest calibrated probability (Hendrycks and Gimpel, 2017, "A Baseline for Detecting Misclassified and
    Out-of-Distribution Examples"), and the negative energy, log of the sum of exp(logits), mean over the members (Liu
    et al., 2020, "Energy-based Out-of-distribution Detection").
    """

    def __init__(self, decider: Decider):
        super().__init__()
        self.decider = decider

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        energies = [torch.logsumexp(view.classifier(pixels), dim=1) for view in self.decider.members]
        return torch.stack([self.decider(pixels).exp().amax(dim=1), torch.stack(energies).mean(dim=0)], dim=1)


def read_ood_images(path: Path, within: Path, preprocessing: Preprocessing, most: int) -> np.ndarray:
    """Read up to `most` images, evenly chosen, of a folder or an archive; what is no image is passed over.

    No folder below `within`, which DVC watches, may be a link.

    Returns
    -------
    ndarray of uint8 [n, image_size, image_size, 3], n > 0

    Raises
    ------
    SightlineError
        Nothing is there, or no image in it.
    """
    found = gather_images(path, preprocessing, most, "params.yaml: evaluate.ood", within)
    pixels = [image for image in found if image is not None]
    if not pixels:
        raise SightlineError(f"params.yaml: evaluate.ood: {path} holds no image that can be read")
    return np.stack(pixels)


def measure_outliers(test: np.ndarray, outside: np.ndarray) -> dict[str, float]:
    """Measure how well each score, float [n, 2] of test and [m, 2] of outside images, tells the two apart.

    Returns
    -------
    dict
        images; for each score its auroc (1: always higher for test images), and fpr95, the share of outside images
        taken for test images where 95 % of these are recognised.
    """
    truth = np.r_[np.ones(len(test)), np.zeros(len(outside))]
    metrics = {"images": len(outside)}
    for column, name in enumerate(SCORES):
        scores = np.r_[test[:, column], outside[:, column]]
        wrong, right, _ = roc_curve(truth, scores, drop_intermediate=False)  # else the point looked for may be gone
        metrics[f"{name}_auroc"] = float(roc_auc_score(truth, scores))
        metrics[f"{name}_fpr95"] = float(wrong[np.searchsorted(right, RECOGNISED)])
    return metrics
