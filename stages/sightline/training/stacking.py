"""Fit the stack of an ensemble on images that its members did not train on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.images.samples import Samples
from sightline.networks.classifier import Classifier, mean_log_probabilities
from sightline.networks.memory import images_at_once
from sightline.networks.predict import predict_logits
from sightline.networks.saved import ModelSpec, load_members, write_weights
from sightline.networks.stack import assign_parts, load_stacks, stack_inputs
from sightline.parameters.train import TrainParams
from sightline.training.members import divide
from sightline.training.recipe.losses import class_weights, weights_by_class

FILE = "stack.safetensors"
ITERATIONS = 1000  # of the solver at most; it needs some dozens


@dataclass(frozen=True)
class HeldOut:
    """Images predicted by members that did not train on them.

    Parameters
    ----------
    scores : list of torch.Tensor
        Log-probabilities float32 [n, classes] of each architecture.
    labels, parts : ndarray
        int [n]: true class, and the part whose regression is fitted without the image.
    """

    scores: list[torch.Tensor]
    labels: np.ndarray
    parts: np.ndarray


def refuse_unstackable(samples: Samples, classes: list[str], params: TrainParams) -> None:
    """Raise SightlineError, before anything is trained, when a stack is asked for that cannot be fitted."""
    if params.ensemble != "stack":
        return
    folds = [division.fold for division in divide(samples)]
    if folds == [None] and len(params.architectures) == 1:
        raise SightlineError(
            "params.yaml: ensemble: stack has nothing to combine (got one model and folds: 0): list several "
            "architectures in `model`, or use mean"
        )
    labels, parts = held_out_parts(samples)
    for left_out in [*np.unique(parts), -1]:
        missing = np.setdiff1d(np.arange(len(classes)), labels[parts != left_out])
        if len(missing):
            raise SightlineError(
                f"params.yaml: ensemble: stack needs validation images of each class, outside of every fold too, but "
                f"{classes[missing[0]]!r} has too few: raise split.val, set folds, or use mean"
            )


def held_out_parts(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and parts, int [n], of the held-out images, fold by fold."""
    divisions = list(divide(samples))
    labels = [division.val.label for division in divisions]
    parts = [assign_parts(division.val.label, division.fold) for division in divisions]
    return np.concatenate(labels), np.concatenate(parts)


def add_stack(
    folder: Path, spec: ModelSpec, samples: Samples, pixels: np.ndarray, params: TrainParams, device: torch.device
) -> tuple[ModelSpec, dict[str, float]]:
    """Fit the stack of the members in `folder`, write it there, and return the spec that names it.

    Returns
    -------
    ModelSpec
        `spec` with the stack's file.
    dict
        Accuracy and log loss on held-out images, of the stack (each image by a regression that did not see its part)
        and of the plain mean.
    """
    held = predict_held_out(load_members(folder, spec), spec, samples, pixels, params.memory_mb, device)
    weights = class_weights(params.class_weights, np.bincount(held.labels), params.effective_beta)
    write_weights(folder / FILE, fit_stack(held, params.stack_c, weights))
    spec = spec.model_copy(update={"stack": FILE})
    stacked = load_stacks(folder, spec).score_held_out(held.scores, held.parts)
    of_mean = score(mean_log_probabilities(held.scores), held.labels)
    scores = score(stacked, held.labels) | {f"mean_{name}": value for name, value in of_mean.items()}
    tqdm.write("stack, on held-out images: " + "  ".join(f"{name} {value:.4f}" for name, value in scores.items()))
    return spec, scores


def predict_held_out(
    members: list[Classifier],
    spec: ModelSpec,
    samples: Samples,
    pixels: np.ndarray,
    memory_mb: int,
    device: torch.device,
) -> HeldOut:
    """Predict each held-out image by the member of each architecture that did not train on it."""
    at_once = {member: images_at_once(member, pixels.shape[1], memory_mb) for member in members}
    by_fold = []
    for division in divide(samples):
        voters = [voter for voter, member in zip(members, spec.members, strict=True) if member.fold == division.fold]
        logits = [predict_logits(voter, pixels, division.val.row, at_once[voter], device) for voter in voters]
        by_fold.append([scores.log_softmax(dim=1) for scores in logits])
    return HeldOut([torch.cat(scores) for scores in zip(*by_fold, strict=True)], *held_out_parts(samples))


def fit_stack(held: HeldOut, c: float, weights: torch.Tensor | None) -> dict[str, torch.Tensor]:
    """Fit the regression on all held-out images, and once without each part of them.

    Returns
    -------
    dict
        weight float32 [1 + parts, classes, inputs] and bias [1 + parts, classes], that of all images first; without
        any part, every class must be left.
    """
    inputs = stack_inputs(held.scores).double().numpy()
    left_out = [-1, *range(held.parts.max() + 1)]  # no image is in part -1
    kept = [held.parts != part for part in tqdm(left_out, desc="stack", unit="fit", disable=None)]
    fits = [fit_regression(inputs[rows], held.labels[rows], c, weights) for rows in kept]
    weight, bias = (torch.tensor(np.stack(arrays)).float() for arrays in zip(*fits, strict=True))
    return {"weight": weight, "bias": bias}


def fit_regression(
    inputs: np.ndarray, labels: np.ndarray, c: float, weights: torch.Tensor | None
) -> tuple[np.ndarray, np.ndarray]:
    """Fit scikit-learn's multinomial logistic regression.

    Parameters
    ----------
    inputs : ndarray
        float64 [n, inputs], as `stack_inputs` gives them. They are not scaled: all are in the same unit.
    labels : ndarray
        int [n], with every class in it.
    c : float
        > 0: inverse strength of the L2 penalty on the weights.
    weights : torch.Tensor or None
        float32 [classes], what an image of each class counts.

    Returns
    -------
    weight, bias : ndarray
        float64 [classes, inputs] and [classes], for a softmax.
    """
    from sklearn.linear_model import LogisticRegression  # half a second, for stacks alone

    model = LogisticRegression(C=c, class_weight=weights_by_class(weights), max_iter=ITERATIONS)
    model.fit(inputs, labels)
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    # for two classes scikit-learn has the second one's score alone; the first one's is then 0
    return np.r_[np.zeros_like(model.coef_), model.coef_], np.r_[0.0, model.intercept_]


def score(scores: torch.Tensor, labels: np.ndarray) -> dict[str, float]:
    """Return accuracy and log_loss of log-probabilities [n, classes]."""
    own = scores[torch.arange(len(labels)), torch.from_numpy(labels)]
    right = scores.argmax(dim=1).numpy() == labels
    return {"accuracy": float(right.mean()), "log_loss": -float(own.double().mean())}
