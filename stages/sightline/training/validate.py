"""Scores of a classifier on validation images, between epochs."""

from functools import partial

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn import functional

from sightline.networks.classifier import Classifier
from sightline.networks.parts import Parts
from sightline.training.batches import Batches

NO_IMAGE = -1  # the label of rows that only make shares equal


@torch.inference_mode()
def validate_classifier(
    classifier: Classifier, images: Batches, at_once: int, accelerator: Accelerator
) -> dict[str, float]:
    """Return ``val/loss`` (cross-entropy without smoothing), accuracy, balanced accuracy and macro F1.

    Each process takes its share of the images; the scores are those of all, on every process. Balanced accuracy is the
    mean recall of the classes that have images. `at_once` images go through the network together, fewer where the
    device has no memory for them. The classifier is left in evaluation mode.
    """
    from sklearn.metrics import (
        accuracy_score,
        f1_score,
        recall_score,
    )  # half a second to import: not before the first step

    classifier.eval()
    logits, labels = [], []
    parts = Parts(at_once)
    rows = images.in_order(at_once, accelerator.process_index, accelerator.num_processes)
    for _, pixels, batch_labels in images.ahead(rows):
        with accelerator.autocast():
            logits += parts.over(len(pixels), partial(_predict, classifier, pixels))
        labels.append(batch_labels)
    scores, truth = gather(torch.cat(logits), torch.cat(labels), accelerator)
    loss = functional.cross_entropy(scores, truth).item()
    truth = truth.cpu().numpy()
    predicted = scores.argmax(dim=1).cpu().numpy()
    return {
        "val/loss": loss,
        "val/accuracy": float(accuracy_score(truth, predicted)),
        "val/balanced_accuracy": float(
            recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0)
        ),
        "val/f1_macro": float(f1_score(truth, predicted, average="macro", zero_division=0)),
    }


def _predict(classifier: Classifier, pixels: torch.Tensor, part: slice) -> torch.Tensor:
    return classifier(pixels[part]).float()


def gather(scores: torch.Tensor, labels: torch.Tensor, accelerator: Accelerator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores [N, C] and labels [N] of all processes, whose shares may differ by an image."""
    if accelerator.num_processes == 1:
        return scores, labels
    scores = accelerator.gather(accelerator.pad_across_processes(scores))
    labels = accelerator.gather(accelerator.pad_across_processes(labels, pad_index=NO_IMAGE))
    return scores[labels != NO_IMAGE], labels[labels != NO_IMAGE]
