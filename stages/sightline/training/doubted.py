"""Training images whose labels are doubted before training begins: `noise: prune` leaves them out."""

import numpy as np
from accelerate import Accelerator

from sightline.common.errors import SightlineError
from sightline.images.samples import SUBSETS, Samples
from sightline.networks.saved import ModelSpec
from sightline.parameters.train import TrainParams
from sightline.training.heads.look import look_at
from sightline.training.recipe.head import NotLinearError, linear_head
from sightline.training.recipe.noise.confident import find_surely_wrong
from sightline.training.recipe.noise.out_of_fold import predict_out_of_fold
from sightline.training.recipe.probe import Features
from sightline.training.start import build_given

MUCH = 1.0  # GiB of features in memory that a line tells


def leave_out_doubted(
    samples: Samples, spec: ModelSpec, pixels: np.ndarray, params: TrainParams, accelerator: Accelerator
) -> tuple[Samples, dict[str, dict[str, float]]]:
    """Return the samples that `noise` lets train, and for the metrics how many it does not; say so."""
    if params.noise != "prune":
        return samples, {}
    doubted = find_doubted(samples, spec, pixels, params, accelerator)
    share = float(doubted.sum() / len(samples.of("train")))
    accelerator.print(
        f"train: noise: prune leaves out {doubted.sum():,} training images ({share:.1%}), whose labels the "
        "others contradict; evaluate lists such in data/predictions/label_issues.csv"
    )
    return samples[~doubted], {"noise": {"left_out": int(doubted.sum()), "share": share}}


def find_doubted(
    samples: Samples, spec: ModelSpec, pixels: np.ndarray, params: TrainParams, accelerator: Accelerator
) -> np.ndarray:
    """Return which samples are training images with a label that the other training images contradict, bool [n].

    Each fifth of the training images is predicted by a regression, fitted on the others, on what the network sees in
    them with the weights that are given; `find_surely_wrong` says which labels that contradicts. No image of
    validation or test has a part in it, and a class of which nothing would be left keeps all.

    Raises
    ------
    SightlineError
        There are folds, no two classes with two training images each, or no last layer that could be fitted.
    """
    if (samples.fold >= 0).any():
        raise SightlineError("params.yaml: noise: prune needs folds: 0, since each fold would leave out others")
    train = np.flatnonzero(samples.subset == SUBSETS.index("train"))
    labels = samples.label[train]
    if (np.bincount(labels) > 1).sum() < 2:
        raise SightlineError("params.yaml: noise: prune needs two classes of two training images each: use none")
    classifier, _ = build_given(spec, params.architectures[0], params)
    try:
        size = len(train) * linear_head(classifier.network).in_features * 4 / 2**30  # float32
        if size > MUCH:
            accelerator.print(f"train: noise: prune holds features of {len(train):,} images: {size:.1f} GiB of memory")
        values = look_at(classifier, pixels, samples.row[train], params.memory_mb, accelerator.device)
    except NotLinearError:
        raise SightlineError(
            "params.yaml: noise: prune is for networks whose logits are the output of one linear layer: use none"
        ) from None
    issues = find_surely_wrong(labels, predict_out_of_fold(Features(values, labels), len(spec.classes)))
    left = np.bincount(np.delete(labels, issues), minlength=len(spec.classes))
    doubted = np.zeros(len(samples), dtype=bool)
    doubted[train[issues[left[labels[issues]] > 0]]] = True
    return doubted
