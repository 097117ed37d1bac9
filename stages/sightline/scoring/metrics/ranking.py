"""How well each class is told from the rest, whatever the threshold: ROC and precision-recall."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

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
    areas = np.full((len(support), 2), np.nan)
    curves = {"roc": [], "pr": []}
    for code in defined:
        truth = labels == code
        scores = probabilities[:, code]
        wrong_rate, recall, _ = roc_curve(truth, scores, drop_intermediate=False)
        precision = precision_recall_curve(truth, scores)[0][::-1]  # from the highest threshold on, as the other two
        areas[code] = np.trapezoid(recall, wrong_rate), (np.diff(recall) * precision[1:]).sum()
        curves["roc"].append(recall[np.searchsorted(wrong_rate, GRIDS["roc"], side="right") - 1])
        curves["pr"].append(precision[np.searchsorted(recall, GRIDS["pr"])])
    drawn = {name: np.array([*rows, np.mean(rows, axis=0)]) for name, rows in curves.items() if rows}
    return Ranking(pd.DataFrame(areas, columns=["roc_auc", "pr_auc"]), drawn, defined)


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
    row_of = {"mean of the classes": -1} | {names[ranking.defined[row]]: row for row in worst}
    x, y = columns
    tables = [
        pd.DataFrame({x: GRIDS[kind].round(5), y: ranking.curves[kind][row].round(5), "curve": name})
        for name, row in row_of.items()
    ]
    return pd.concat(tables, ignore_index=True)
