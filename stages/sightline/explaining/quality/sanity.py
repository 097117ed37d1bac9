"""Whether maps depend on what the network has learnt: compare them with those of a network with shuffled weights.

Adebayo et al., 2018, "Sanity Checks for Saliency Maps": a map that stays the same shows edges of the image, not
reasons of the model.
"""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from sightline.common.seeding import stream_seed
from sightline.explaining.methods.subject import Subject


def shuffle_weights(subject: Subject, seed: int) -> Subject | None:
    """Return the subject with each of its parameters shuffled within itself, so that its values stay plausible.

    Returns
    -------
    Subject or None
        None for a network without parameters of its own to shuffle.
    """
    subject.classifier.train().eval()  # empties what timm's LeViT and its kin keep of their weights between passes
    classifier = copy.deepcopy(subject.classifier)
    parameters = dict(classifier.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            stream = torch.Generator().manual_seed(stream_seed(seed, f"gradcam/forget/{name}"))
            order = torch.randperm(parameter.numel(), generator=stream).to(parameter.device)
            shuffled = parameter.flatten()[order]
            parameter.copy_(shuffled.view_as(parameter))
    return replace(subject, classifier=classifier) if parameters else None


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps of one shape; 0 where one of them is the same everywhere."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    ranks = pd.DataFrame({"first": first.ravel(), "second": second.ravel()}).rank()
    return float(np.corrcoef(ranks["first"], ranks["second"])[0, 1])
