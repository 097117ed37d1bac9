"""Which image goes to which subset and fold: scikit-learn's splitters over units that must stay together."""

import hashlib
import warnings
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit

from sightline.common.errors import SightlineError
from sightline.common.seeding import stream_seed
from sightline.images.samples import SUBSETS

FINEST_SHARE = 20  # grouped subsets are made of whole folds, at most so many


def stratified_share(labels: np.ndarray, units: np.ndarray, share: float, grouped: bool, seed: int) -> np.ndarray:
    """Choose about `share` of the images with every class in proportion, whole units at a time.

    Parameters
    ----------
    labels, units : ndarray of int [N]
        Class and unit of each image; a unit counts as its first image's class.
    share : float
        In (0, 1).
    grouped : bool
        Units are large and few: take whole folds of `StratifiedGroupKFold`, which balances their sizes. Otherwise
        units are single images but for a few duplicates, and `StratifiedShuffleSplit` gives exact proportions.

    Returns
    -------
    ndarray of bool [N]

    Raises
    ------
    ValueError
        scikit-learn's, when a class or the share is too small.
    """
    if grouped:
        folds = Fraction(share).limit_denominator(FINEST_SHARE)
        return stratified_folds(labels, units, folds.denominator, grouped, seed) < folds.numerator
    first, unit_of = index_units(units)
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=round(share * len(first)), random_state=seed)
    _, drawn = next(splitter.split(first, labels[first]))
    inside = np.zeros(len(first), dtype=bool)
    inside[drawn] = True
    return inside[unit_of]


def stratified_folds(labels: np.ndarray, units: np.ndarray, folds: int, grouped: bool, seed: int) -> np.ndarray:
    """Return a fold 0..folds-1 for each image, with classes in proportion and units whole, int [N]."""
    with warnings.catch_warnings():
        # classes with fewer images than folds are counted in metrics/split.json
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        if grouped:
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            return _number_folds(len(labels), splitter.split(labels, labels, units))
        first, unit_of = index_units(units)
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        return _number_folds(len(first), splitter.split(first, labels[first]))[unit_of]


def _number_folds(count: int, splits: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the fold of each of `count` items, int [count], from scikit-learn's (training, held out) positions."""
    fold_of = np.empty(count, dtype=np.int64)
    for fold, (_, held_out) in enumerate(splits):
        fold_of[held_out] = fold
    return fold_of


def index_units(units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of each unit's first image, int [U], and the unit 0..U-1 of each image, int [N].

    What `numpy.unique` returns, by tables instead of sorting: a sixth of the time for a million images.

    Parameters
    ----------
    units : ndarray of int [N]
        Numbers from 0 without large gaps.
    """
    first = np.full(units.max(initial=-1) + 1, -1)
    first[units[::-1]] = np.arange(len(units))[::-1]  # the last one written is the first image
    present = first >= 0
    return first[present], (np.cumsum(present) - 1)[units]


def hash_position(keys: Iterable[str], seed: int, purpose: str) -> np.ndarray:
    """Return a number in [0, 1) for each key, float64 [N]: a function of key and seed alone."""
    salt = f"{stream_seed(seed, purpose)}/"
    digests = b"".join(hashlib.sha256(f"{salt}{key}".encode()).digest()[:8] for key in keys)
    return np.frombuffer(digests, dtype=">u8") / 2.0**64


def draw_stratified(
    labels: np.ndarray, units: np.ndarray, shares: dict[str, float], grouped: bool, seed: int
) -> pd.Categorical:
    """Divide images into the subsets of `shares` (of all N) and ``"train"`` for the rest, [N] of `SUBSETS`.

    Raises
    ------
    SightlineError
        A share or a class is too small for a subset that holds every class.
    """
    subsets = pd.Categorical.from_codes(np.zeros(len(labels), dtype=np.int8), SUBSETS)
    for name, share in shares.items():
        pool = np.flatnonzero(subsets == "train")
        share_of_pool = min(share * len(labels) / max(1, len(pool)), 1.0)
        try:
            drawn = stratified_share(labels[pool], units[pool], share_of_pool, grouped, stream_seed(seed, name))
        except ValueError as error:
            raise SightlineError(
                f"params.yaml: split.{name}: {share:g} of {len(labels)} images cannot be drawn by class: "
                f"{' '.join(str(error).split())}"
            ) from None
        subsets[pool[drawn]] = name
    return subsets


def draw_by_hash(keys: Iterable[str], shares: dict[str, float], seed: int) -> pd.Categorical:
    """Divide images like `draw_stratified`, each by its key alone: adding images moves none of the others."""
    position = hash_position(keys, seed, "split")
    edges = np.cumsum(list(shares.values()))
    numbers = np.array([SUBSETS.index(name) for name in (*shares, "train")], dtype=np.int8)
    return pd.Categorical.from_codes(numbers[np.searchsorted(edges, position, side="right")], SUBSETS)
