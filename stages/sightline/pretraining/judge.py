"""How good features are before anyone has fitted anything to them, and whether embeddings have collapsed."""

import math

import torch
from torch.nn import functional

from sightline.networks.classifier import Classifier
from sightline.training.batches import Batches

SHARPNESS = 0.07  # temperature of a neighbour's vote (Wu et al., 2018)
COLLAPSED = 0.2  # share of the deviation that embeddings in all directions have


@torch.inference_mode()
def knn_accuracy(classifier: Classifier, known: Batches, asked: Batches, neighbours: int, at_once: int) -> float:
    """Return how many images get their class from the nearest known ones.

    Each neighbour votes with exp(cosine / 0.07) (Wu et al., 2018, "Unsupervised Feature Learning via Non-Parametric
    Instance Discrimination"). The classifier, which gives features, is left in evaluation mode.
    """
    classifier.eval()
    bank = read_features(classifier, known, at_once)
    features = read_features(classifier, asked, at_once)
    votes = vote(bank, known.labels.long(), features, known.classes, neighbours)
    return (votes.argmax(dim=1) == asked.labels.long()).float().mean().item()


def vote(
    bank: torch.Tensor, labels: torch.Tensor, features: torch.Tensor, classes: int, neighbours: int
) -> torch.Tensor:
    """Return the votes of the nearest rows for each class, float [n, classes].

    Parameters
    ----------
    bank, features : Tensor of float [N, features], [n, features]
        Of length 1 each.
    labels : Tensor of int64 [N]
    """
    similarities, nearest = (features @ bank.T).topk(min(neighbours, len(bank)), dim=1)
    ballots = functional.one_hot(labels[nearest], classes)
    return ((similarities / SHARPNESS).exp().unsqueeze(2) * ballots).sum(dim=1)


def read_features(classifier: Classifier, images: Batches, at_once: int) -> torch.Tensor:
    """Return the features of all images, float32 [n, features], each of length 1."""
    parts = [classifier(pixels) for _, pixels, _ in images.ahead(images.in_order(at_once, 0, 1))]
    return functional.normalize(torch.cat(parts).float(), dim=1)


def spread(embeddings: torch.Tensor) -> torch.Tensor:
    """Return the mean deviation of embeddings of length 1, times the root of their dimensions.

    It is 0 where all are the same, and about 1 where they point in all directions (Chen & He, 2021, section 4.1).

    Parameters
    ----------
    embeddings : Tensor of float [N, dimensions]
        Of any length; N at least 2.
    """
    unit = functional.normalize(embeddings.detach().float(), dim=1)
    return unit.std(dim=0).mean() * math.sqrt(unit.shape[1])


def advise(value: float) -> str:
    """Return a line of advice where embeddings have collapsed, else ``""``."""
    if value >= COLLAPSED:
        return ""
    return (
        f"pretrain: the embeddings collapse (deviation {value:.3f} of 1): all images look alike to the network: lower "
        f"pretrain.lr, or raise pretrain.batch_size"
    )
