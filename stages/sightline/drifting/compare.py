"""Compare a batch with the reference, number by number."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError
from sightline.drifting.numbers import Batch
from sightline.drifting.statistics import (
    compare_values,
    correct,
    farthest_share,
    frechet_distance,
    permute,
    redraw_shares,
    share_as_far,
    standardized_shift,
    total_variation,
)
from sightline.scoring.reference import Reference

LEAST = 20  # images on either side: fewer can hardly raise an alarm
PERMUTATIONS = 4999  # a p-value of 0.0002 can be reached, which some 30 tests at 0.01 need
COLUMNS = ["what", "test", "distance", "by_chance", "shift", "p"]


def compare_batch(reference: Reference, batch: Batch, classes: list[str], alpha: float, seed: int) -> pd.DataFrame:
    """Test every number of the batch against the reference.

    Parameters
    ----------
    classes : list of str
        Of the model, in order.
    alpha : float
        In (0, 1): the rate of batches without drift in which anything is called drift, at most.
    seed : int
        Of the permutations.

    Returns
    -------
    pandas.DataFrame
        One row a test: what, test, distance (the test's statistic), by_chance (the distance that random parts of all
        images, reference and batch together, exceed at the rate alpha; NaN where the test draws none), shift of the
        mean (`standardized_shift`; NaN where there is none), p, p_corrected (Holm) and drift (bool).

    Raises
    ------
    SightlineError
        There are too few images on one side.
    """
    _refuse_few(reference, batch)
    stream = np.random.default_rng(seed)
    values = {name: (numbers, batch.pixels[name]) for name, numbers in reference.pixels.items()}
    values["confidence"] = reference.confidence, batch.confidence
    before = np.array([reference.classes[name] for name in classes])
    rows = [
        _test_shares("class shares", "total variation", total_variation, (before, batch.counts), alpha, stream),
        _test_shares("share of a class", "standard errors", farthest_share, (before, batch.counts), alpha, stream),
    ]
    if reference.embedding is not None:
        placed = np.array(reference.embedding.places)
        rows.append(_test_places(placed, batch.places, alpha, stream))
        names = [f"embedding axis {number + 1}" for number in range(placed.shape[1] - 1)] + ["off the embedding axes"]
        values |= {name: pair for name, *pair in zip(names, placed.T, batch.places.T, strict=True)}
    rows += [_test_values(name, np.array(before), after) for name, (before, after) in values.items()]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_corrected"] = correct(table["p"].to_numpy())
    return table.assign(drift=table["p_corrected"] < alpha)


def _refuse_few(reference: Reference, batch: Batch) -> None:
    sampled = len(reference.confidence) if reference.embedding is None else len(reference.embedding.places)
    if sampled < LEAST:
        raise SightlineError(
            f"data/predictions/reference.json: keeps {len(reference.confidence)} test images, too few to compare with: "
            f"raise evaluate.map in params.yaml, or use more test images, and run `dvc repro evaluate`"
        )
    if len(batch) < LEAST:
        raise SightlineError(f"drift: {len(batch)} images can be read: {LEAST} or more are needed to tell drift")


def _test_values(name: str, reference: np.ndarray, batch: np.ndarray) -> dict:
    distance, p = compare_values(reference, batch)
    shift = standardized_shift(reference, batch)
    return {"what": name, "test": "Kolmogorov-Smirnov", "distance": distance, "shift": shift, "p": p}


def _test_places(reference: np.ndarray, batch: np.ndarray, alpha: float, stream: np.random.Generator) -> dict:
    by_chance = permute(frechet_distance, reference, batch, PERMUTATIONS, stream)
    return _test_by_chance("embedding", "Frechet", frechet_distance(reference, batch), by_chance, alpha)


def _test_shares(
    name: str,
    test: str,
    measure: Callable,
    counts: tuple[np.ndarray, np.ndarray],
    alpha: float,
    stream: np.random.Generator,
) -> dict:
    by_chance = redraw_shares(measure, *counts, PERMUTATIONS, stream)
    return _test_by_chance(name, test, measure(*counts), by_chance, alpha)


def _test_by_chance(name: str, test: str, distance: float, by_chance: np.ndarray, alpha: float) -> dict:
    usual = float(np.quantile(by_chance, 1 - alpha))
    p = share_as_far(distance, by_chance)
    return {"what": name, "test": test, "distance": distance, "by_chance": usual, "p": p}
