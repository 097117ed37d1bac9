"""Run the members over validation and test, once: scores, and on the way the embeddings of test images."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from sightline.common.rows import evenly
from sightline.networks.classifier import Classifier
from sightline.networks.decider import ViewAverage
from sightline.networks.memory import images_at_once
from sightline.networks.predict import predict_logits
from sightline.networks.saved import ModelSpec
from sightline.networks.stack import Stacks
from sightline.scoring.diagnosis.label_issues import LookedAt
from sightline.scoring.embeddings import EmbeddingSample, watch
from sightline.scoring.predict import score_judged, select_judged
from sightline.scoring.training_labels import judge_training


@dataclass(frozen=True)
class ForwardSettings:
    """How the networks are run: a key of `VIEWS`, MiB a batch, where, how many embeddings are kept, and how many
    training images are predicted out of fold.
    """

    tta: str
    memory_mb: int
    device: torch.device
    embeddings: int
    training: int


@dataclass(frozen=True)
class Judgement:
    """What the members say of validation and test, besides the scores.

    Parameters
    ----------
    images : pandas.DataFrame
        The images of validation and test, as `select_judged` gives them.
    decisions : list of ndarray
        Of each member what it alone would decide on test, int [test images].
    sample : EmbeddingSample
        Of test images, by the first member.
    training : (pandas.DataFrame, ndarray)
        As `judge_training` gives them; no rows where folds have the training images among `images`.
    """

    images: pd.DataFrame
    decisions: list[np.ndarray]
    sample: EmbeddingSample
    training: LookedAt


def run_networks(
    members: list[Classifier],
    stacks: Stacks,
    spec: ModelSpec,
    samples: pd.DataFrame,
    pixels: np.ndarray,
    settings: ForwardSettings,
) -> tuple[torch.Tensor, Judgement]:
    """Predict what must be judged.

    Parameters
    ----------
    members : list of Classifier
        On the CPU, in evaluation mode; they are moved to the device.
    stacks : Stacks
        What combines them.
    spec : ModelSpec
        Which classes there are, and the fold that each member did not train on.
    samples : pandas.DataFrame
        All images that take part.
    pixels : ndarray
        uint8 [N, H, W, 3], images.npy.

    Returns
    -------
    torch.Tensor
        Log-probabilities of the judged images, float32 [images, classes]; apart, since they are large.
    Judgement
        Which images these are, and everything else.
    """
    folds = [member.fold for member in spec.members]
    images = select_judged(samples, folds)
    test_rows = images["row"][images["subset"] == "test"].to_numpy()
    sample = EmbeddingSample(test_rows[evenly(len(test_rows), settings.embeddings)])
    views = [ViewAverage(member, settings.tta) for member in members]
    at_once = {view: images_at_once(view, pixels.shape[1], settings.memory_mb) for view in views}

    def predict(view: ViewAverage, rows: np.ndarray) -> torch.Tensor:
        return predict_logits(view, pixels, rows, at_once[view], settings.device)

    watched = watch(predict, views[0], test_rows, sample)
    scores, decisions = score_judged(views, folds, images, len(spec.classes), watched, stacks)
    plain = ViewAverage(members[0], "none")
    at_once[plain] = images_at_once(plain, pixels.shape[1], settings.memory_mb)
    others = samples[~samples["row"].isin(images["row"])]
    training = judge_training(others, plain, predict, len(spec.classes), settings.training)
    return scores, Judgement(images, decisions, sample, training)
