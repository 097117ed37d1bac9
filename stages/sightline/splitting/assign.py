"""Which image goes to which subset and fold: scikit-learn's splitters where each image stands alone, else greedily."""

import hashlib
import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from sightline.common.errors import SightlineError
from sightline.common.seeding import stream_seed
from sightline.images.samples import SUBSETS
from sightline.splitting.greedy import divide_units
from sightline.splitting.units import index_units


def draw_stratified(labels: np.ndarray, units: np.ndarray, shares: dict[str, float], seed: int) -> pd.Categorical:
    """Divide images into subsets, every class in proportion, units whole.

    Parameters
    ----------
    labels, units : ndarray of int [N]
        Class and unit of each image.
    shares : dict
        Subset to its share of the N images, above 0; ``"train"`` is the rest, above 0 too.
    seed : int

    Returns
    -------
    Categorical of str [N]
        Of `SUBSETS`. Every class is in training; elsewhere shares come before classes.
    """
    subsets = pd.Categorical.from_codes(np.zeros(len(labels), dtype=np.int8), SUBSETS)
    if not shares or not len(labels):
        return subsets
    if _all_alone(units) and np.unique(labels, return_counts=True)[1].min() * min(shares.values()) >= 1:
        for name, share in shares.items():
            pool = np.flatnonzero(subsets == "train")
            subsets[pool[_draw_exactly(labels[pool], share * len(labels) / len(pool), stream_seed(seed, name))]] = name
        return subsets
    sides = {"train": 1 - sum(shares.values())} | shares
    drawn = divide_units(labels, units, np.array(list(sides.values())), 0, stream_seed(seed, "split"))
    return pd.Categorical.from_codes(np.array([SUBSETS.index(name) for name in sides], dtype=np.int8)[drawn], SUBSETS)


def _draw_exactly(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return the positions of a share of the images, exact in each class."""
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=round(share * len(labels)), random_state=seed)
    return next(splitter.split(labels, labels))[1]


def draw_folds(labels: np.ndarray, units: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return a fold 0..folds-1 for each image, with classes in proportion and units whole, int [N].

    Raises
    ------
    SightlineError
        There are fewer units than folds.
    """
    if not len(labels):
        return np.empty(0, dtype=np.int64)
    count = len(index_units(units)[0])
    if folds > count:
        kind = "images" if count == len(units) else "units that stay whole (groups, duplicates)"
        most = f"{count} or fewer" if count > 1 else "0"
        raise SightlineError(f"params.yaml: folds: {folds} cannot be made of {count} {kind}: set {most}")
    if not _all_alone(units) or folds > np.bincount(labels).max():
        return divide_units(labels, units, np.full(folds, 1 / folds), None, seed)
    fold_of = np.empty(len(labels), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # classes with fewer images than folds are counted in metrics/split.json
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, held_out) in enumerate(splitter.split(labels, labels)):
            fold_of[held_out] = fold
    return fold_of


def _all_alone(units: np.ndarray) -> bool:
    return len(index_units(units)[0]) == len(units)


def hash_position(keys: Iterable[str], seed: int, purpose: str) -> np.ndarray:
    """Return a number in [0, 1) for each key, float64 [N]: a function of key and seed alone."""
    salt = f"{stream_seed(seed, purpose)}/"
    digests = b"".join(hashlib.sha256(f"{salt}{key}".encode()).digest()[:8] for key in keys)
    return np.frombuffer(digests, dtype=">u8") / 2.0**64


def draw_by_hash(keys: Iterable[str], shares: dict[str, float], seed: int) -> pd.Categorical:
    """Divide images like `draw_stratified`, each by its key alone: adding images moves none of the others."""
    position = hash_position(keys, seed, "split")
    edges = np.cumsum(list(shares.values()))
    numbers = np.array([SUBSETS.index(name) for name in (*shares, "train")], dtype=np.int8)
    return pd.Categorical.from_codes(numbers[np.searchsorted(edges, position, side="right")], SUBSETS)
