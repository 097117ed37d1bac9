"""Scores of a classifier on validation images, between epochs."""

import numpy as np
import torch
from torch.nn import functional

from sightline.networks.classifier import Classifier
from sightline.training.batches import Batches


@torch.inference_mode()
def validate(classifier: Classifier, images: Batches, batch_size: int) -> dict[str, float]:
    """Return ``val/loss`` (cross-entropy without smoothing), accuracy, balanced accuracy and macro F1.

    Balanced accuracy is the mean recall of the classes that have images. The classifier is left in evaluation mode.
    """
    from sklearn.metrics import (
        accuracy_score,
        f1_score,
        recall_score,
    )  # half a second to import: not before the first step

    classifier.eval()
    logits, labels = [], []
    for chosen in images.in_order(batch_size):
        pixels, batch_labels = images.take(chosen)
        logits.append(classifier(pixels).float())
        labels.append(batch_labels)
    scores, truth = torch.cat(logits), torch.cat(labels)
    loss = functional.cross_entropy(scores, truth).item()
    truth, predicted = truth.cpu().numpy(), scores.argmax(dim=1).cpu().numpy()
    return {
        "val/loss": loss,
        "val/accuracy": float(accuracy_score(truth, predicted)),
        "val/balanced_accuracy": float(
            recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0)
        ),
        "val/f1_macro": float(f1_score(truth, predicted, average="macro", zero_division=0)),
    }
