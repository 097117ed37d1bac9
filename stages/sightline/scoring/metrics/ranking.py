"""How well each class is told from the rest, whatever the threshold: ROC and precision-recall."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

BEND = np.linspace(0, 1, 61) ** 2
GRIDS = {"roc": BEND, "pr": 1 - BEND[::-1]}  # of drawn curves; denser where those of good classifiers bend


@dataclass(frozen=True)
class Ranking:
    """One class against the rest, for each class.

    Parameters
    ----------
    classes : pandas.DataFrame
        One row a class: roc_auc and pr_auc (the average precision) in [0, 1], NaN for a class that has no image or
        all of them.
    curves : dict of str to ndarray
        ``roc``: recall at the false positive rates of `GRIDS`; ``pr``: precision at its recalls; float [defined classes
        + 1, points], the mean over the classes last. Empty where no class is defined.
    defined : ndarray
        int: the classes of the rows of `curves` but the last.
    """

    classes: pd.DataFrame
    curves: dict[str, np.ndarray]
    defined: np.ndarray


def rank_classes(labels: np.ndarray, probabilities: np.ndarray) -> Ranking:
    """Rank the images by each class's probability: labels int [n] in [0, classes), probabilities float [n, classes]."""
    support = np.bincount(labels, minlength=probabilities.shape[1])
    defined = np.flatnonzero((support > 0) & (support < len(labels)))
    areas, curves = np.full((len(support), 2), np.nan), {"roc": [], "pr": []}
    for code in defined:
        wrong_rate, recall, precision = class_curve(labels == code, probabilities[:, code])
        areas[code] = np.trapezoid(recall, wrong_rate), (np.diff(recall) * precision[1:]).sum()
        curves["roc"].append(recall[np.searchsorted(wrong_rate, GRIDS["roc"], side="right") - 1])
        curves["pr"].append(precision[np.searchsorted(recall, GRIDS["pr"])])
    drawn = {name: np.array([*rows, np.mean(rows, axis=0)]) for name, rows in curves.items() if rows}
    return Ranking(pd.DataFrame(areas, columns=["roc_auc", "pr_auc"]), drawn, defined)


def class_curve(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return false positive rate, recall and precision from the highest threshold to the lowest.

    truth is bool [n], neither all true nor all false; scores are float [n]. The first point is above all scores:
    nothing is called positive, and the precision is 1 by convention.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=np.inf))  # of each run of equal scores
    right = np.cumsum(truth[order])[last]
    wrong = last + 1 - right
    wrong_rate, recall, precision = wrong / wrong[-1], right / right[-1], right / (last + 1)
    return np.r_[0, wrong_rate], np.r_[0, recall], np.r_[1, precision]


def curve_table(ranking: Ranking, kind: str, names: list[str], most: int) -> pd.DataFrame:
    """Return the curves to draw: the mean over the classes, and the `most` classes of lowest average precision.

    Parameters
    ----------
    kind : str
        ``roc``: columns false_positive_rate, recall, curve; ``pr``: recall, precision, curve.
    names : list of str
        Of all classes.
    """
    columns = {"roc": ["false_positive_rate", "recall"], "pr": ["recall", "precision"]}[kind]
    if not len(ranking.defined):
        return pd.DataFrame(columns=[*columns, "curve"])
    worst = np.argsort(ranking.classes["pr_auc"].to_numpy()[ranking.defined], kind="stable")[:most]
    shown = {"mean of the classes": -1} | {names[ranking.defined[row]]: row for row in worst}
    parts = [
        pd.DataFrame(dict(zip(columns, (GRIDS[kind].round(5), ranking.curves[kind][row].round(5)), strict=True)))
        for row in shown.values()
    ]
    return pd.concat([part.assign(curve=name) for name, part in zip(shown, parts, strict=True)], ignore_index=True)
