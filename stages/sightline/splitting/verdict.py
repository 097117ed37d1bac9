"""What a division is worth: nothing where there is nothing to train or to judge, and what else could not be had."""

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError, name_some
from sightline.images.samples import find_untrained, say_untrained

JUDGED = ("val", "test")
TOLERANCE = 0.1  # of what was asked


def find_missing(split: pd.DataFrame, labels: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Find the classes, sorted, that ``train``, ``val`` and ``test`` have no image of.

    Parameters
    ----------
    split : DataFrame
        Of the N images that are left: subset, and fold, -1 where there is none.
    labels : ndarray of int [N]
    known : ndarray of int
        All classes.

    Returns
    -------
    dict
        Untrained classes count as missing in training alone. An empty subset is not there, nor is ``val`` where folds
        take its place.
    """
    subsets = split["subset"].array
    folds = split["fold"].to_numpy()
    untrained = find_untrained(labels, np.asarray(subsets.codes), folds, int(known.max()) + 1)
    missing = {"train": np.intersect1d(untrained, known)}
    for name in JUDGED:
        inside = np.asarray(subsets == name)
        if inside.any() and (name == "test" or not (folds >= 0).any()):
            missing[name] = np.setdiff1d(labels, np.append(labels[inside], missing["train"]))
    return missing


def refuse_useless(
    split: pd.DataFrame, labels: np.ndarray, names: dict[int, str], untrained: np.ndarray, before: int
) -> None:
    """Raise SightlineError when there is nothing to learn, or when no answer about val or test could be right.

    Parameters
    ----------
    split, labels
        As in `find_missing`.
    names : dict
        Of all classes, by label.
    untrained : ndarray of int
        Classes without training images.
    before : int
        Images before any was dropped.
    """
    subsets = split["subset"].array
    folds = split["fold"].to_numpy()
    folded = folds >= 0
    if not (subsets == "train").any() and not folded.any():
        raise SightlineError(
            f"split: no image to train on is left ({len(split)} of {before} images kept, all in val or test): "
            "give data/raw training images, or lower split.val and split.test"
        )
    if len(np.unique(folds[folded])) == 1:
        raise SightlineError("params.yaml: folds: all images fall into one fold, which leaves none to train on: set 0")
    trained = np.setdiff1d(labels, untrained)
    if len(trained) < 2:
        only = f"are of one class, {name_some([names[trained[0]]])}" if len(trained) else "are of no common class"
        raise SightlineError(f"split: the images to train on {only}: a network needs two or more: mend data/raw")
    for name in ("test",) if folded.any() else JUDGED:
        found = np.unique(labels[np.asarray(subsets == name)])
        if len(found) and not np.isin(found, trained).any():
            listed = name_some([names[label] for label in found])
            raise SightlineError(
                f"split: {name} has only classes without an image to train on ({listed}): "
                f"sort its images into the classes, or take them out of data/raw"
            )


def describe_missing(missing: dict[str, np.ndarray], names: dict[int, str]) -> list[str]:
    """Return a line for each subset that lacks classes; `names` are of all classes, by label."""
    lines = []
    for subset, labels in missing.items():
        lacking = [names[label] for label in labels]
        if lacking and subset == "train":
            lines.append(say_untrained(lacking, len(names)))
        elif lacking:
            lines.append(f"{subset} has no image of {len(lacking)} of {len(names)} classes: {name_some(lacking)}")
    return lines


def describe_shares(subsets: pd.Categorical, units: np.ndarray, shares: dict[str, float]) -> list[str]:
    """Return a line about subsets that were drawn and are far from their shares, or nothing where all are near.

    Parameters
    ----------
    subsets : Categorical of str [N]
        Of the images that were divided.
    units : ndarray of int [N]
        What stayed whole.
    shares : dict
        Asked for each drawn subset, of the N images.
    """
    far = []
    for name, share in shares.items():
        asked = share * len(subsets)
        found = int((subsets == name).sum())
        if abs(found - asked) > max(1, TOLERANCE * asked) or not found:
            far.append(f"{name} has {found} images where split.{name}: {share:g} asks for {round(asked)}")
    if not far or not len(subsets):
        return []
    sizes = np.bincount(units)
    why = f"{np.count_nonzero(sizes)} units stay whole (groups, duplicates), the largest has {sizes.max()} images"
    return [f"{', '.join(far)}: {why}, and each class is in training"]
