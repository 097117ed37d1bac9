"""Which images are judged, and by which members: nothing is judged by a network that trained on it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from sightline.common.errors import SightlineError
from sightline.common.rows import row_blocks
from sightline.networks.classifier import Classifier
from sightline.networks.stack import Stacks, assign_parts, combine

NO_FOLD = -1
Predict = Callable[..., torch.Tensor]  # (classifier, rows=int [n]) -> logits [n, classes]


def select_judged(samples: pd.DataFrame, folds: list[int | None]) -> pd.DataFrame:
    """Keep the images of validation and test.

    Parameters
    ----------
    samples : pandas.DataFrame
        As `sightline.images.samples.tabulate` gives them.
    folds : list of int or None
        The fold that each member did not train on. Where they have one, every image of a fold counts as validation,
        to be predicted out of fold; where they have none, the subset `val` does.

    Returns
    -------
    pandas.DataFrame
        The judged rows in their order, with subset val or test, and fold -1 for all but the out-of-fold images.
    """
    test = samples["subset"] == "test"
    crossed = any(fold is not None for fold in folds)
    validation = ~test & (samples["fold"] >= 0 if crossed else samples["subset"] == "val")
    fold = samples["fold"].where(validation & crossed, NO_FOLD)
    judged = samples.assign(subset=np.where(test, "test", "val"), fold=fold)
    return judged[test | validation].reset_index(drop=True)


def score_judged(
    members: list[Classifier],
    folds: list[int | None],
    judged: pd.DataFrame,
    classes: int,
    predict: Predict,
    stacks: Stacks | None = None,
) -> tuple[torch.Tensor, list[np.ndarray]]:
    """Score validation and test.

    A test image is scored by all members together, which `stacks` combines (without it: the mean of their
    probabilities); a validation image by those that did not train on its fold: by their mean, or where they are stacked
    by the stack fitted without its part.

    Returns
    -------
    torch.Tensor
        Log-probabilities, float32 [images, classes], in the order of `judged`.
    list of ndarray
        Of each member what it alone would decide on test, int [test images]; empty without test images.

    Raises
    ------
    SightlineError
        A fold has no member, or a score is not finite.
    """
    scores = torch.empty(len(judged), classes)
    decisions = []
    for (subset, fold), group in judged.groupby(["subset", "fold"]):
        voters = range(len(members)) if subset == "test" else _strangers(folds, fold)
        rows = group["row"].to_numpy()
        votes = [predict(members[voter], rows=rows) for voter in voters]
        if subset == "test":
            decisions = [vote.argmax(dim=1).numpy() for vote in votes]
        if subset == "test" or stacks is None or not stacks.held_out:
            blocks = row_blocks(*votes[0].shape)  # the mean takes several times the memory of what it is taken of
            whole = stacks.whole if stacks and subset == "test" else None
            combined = torch.cat([combine([vote[block] for vote in votes], whole) for block in blocks])
        else:
            combined = stacks.score_held_out(votes, assign_parts(group["label"].to_numpy(), fold))
        scores[group.index.tolist()] = combined
    _refuse_non_finite(scores, judged)
    return scores, decisions


def _strangers(folds: list[int | None], fold: int) -> list[int]:
    strangers = [index for index, own in enumerate(folds) if (NO_FOLD if own is None else own) == fold]
    if not strangers:
        raise SightlineError(f"models/trained/model.json: no member left out fold {fold}: run `dvc repro train`")
    return strangers


def _refuse_non_finite(scores: torch.Tensor, judged: pd.DataFrame) -> None:
    bad = ~torch.isfinite(scores).all(dim=1)
    if bad.any():
        first = judged["id"].iloc[int(bad.int().argmax())]
        raise SightlineError(
            f"models/trained: the network's scores are not finite for {int(bad.sum())} of {len(judged)} images, "
            f"such as {first}: train again with a smaller `lr` or `precision: fp32`"
        )
